"""PediatricAbdomenSeg: organs at risk and hepatoblastoma on a child's CT, from images to contours."""
