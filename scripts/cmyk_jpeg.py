"""Writes tests/photographs/cmyk.jpg: 64x32 pixels of CMYK, red on the left and white on the right, as print programs save pictures. Needs Pillow."""

from pathlib import Path

from PIL import Image

picture = Image.new("CMYK", (64, 32), (0, 0, 0, 0))
picture.paste((0, 255, 255, 0), (0, 0, 32, 32))
picture.save(Path(__file__).parent.parent / "tests/photographs/cmyk.jpg", quality=95)
