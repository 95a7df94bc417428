"""The pages at `/`: drawn here as HTML, carried and renewed by NiceGUI. Imported by the API's process alone."""
