"""Which picture formats are read, and what a file that is none of them is. Pure."""

# What trail cameras and phones write (the JPEG reader takes MPO too). Pillow's other readers (EPS, PSD, FITS, ...)
# never see a byte of ours: each is one more way for a hostile file to reach native code.
READ = ("JPEG", "PNG", "WEBP", "TIFF", "HEIF")

# First bytes, at an offset, of what people have on their cards beside pictures.
_SIGNS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"%!PS", "EPS"),
    (0, b"\xc5\xd0\xd3\xc6", "EPS"),
    (0, b"8BPS", "PSD"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    (4, b"ftypqt", "a QuickTime video"),
    (4, b"ftypmp4", "an MP4 video"),
    (4, b"ftypisom", "an MP4 video"),
    (4, b"ftypM4V", "an MP4 video"),
    (4, b"ftypcrx", "Canon raw"),
    (8, b"AVI ", "an AVI video"),
    (0, b"%PDF", "PDF"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"<svg", "SVG"),
    (0, b"<?xml", "XML"),
)


def foreign(data: bytes) -> str | None:
    """The name of the format of `data` if it is a known one that is not read, else None."""
    head = data[:64]
    return next((name for at, sign, name in _SIGNS if head[at : at + len(sign)] == sign), None)
