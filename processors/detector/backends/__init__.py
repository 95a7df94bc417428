"""What computes the boxes, behind one small interface."""
