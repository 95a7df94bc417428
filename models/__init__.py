"""The demo model, the drawn trail-camera scenes that it was trained on, and the script that trains it."""
