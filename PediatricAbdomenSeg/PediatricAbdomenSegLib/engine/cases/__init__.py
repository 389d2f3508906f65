"""Images and contours on disk: DICOM series, image files, label maps and RTSTRUCT."""
