"""From a volume and a bundle to a label map on the volume's own grid."""
