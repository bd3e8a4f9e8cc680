#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;
use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbImage, Rgba, RgbaImage};

fn encode(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.into().write_to(&mut out, format).unwrap();
    out.into_inner()
}

fn colours(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x * 20) as u8, (y * 30) as u8, 99]))
}

#[test]
fn lossless_formats_give_the_pixels_back() {
    let picture = colours(7, 5);
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::Pnm, ImageFormat::WebP] {
        let p = Picture::decode(&encode(picture.clone(), format), "x").unwrap();
        assert_eq!((p.width, p.height), (7, 5), "{format:?}");
        assert_eq!(&p.rgb, picture.as_raw(), "{format:?}");
    }
}

#[test]
fn jpeg_and_gif_decode_to_the_right_size() {
    for format in [ImageFormat::Jpeg, ImageFormat::Gif] {
        let p = Picture::decode(&encode(colours(7, 5), format), "x").unwrap();
        assert_eq!((p.width, p.height), (7, 5), "{format:?}");
    }
}

#[test]
fn grey_alpha_and_sixteen_bits_become_eight_bit_rgb() {
    let grey = Picture::decode(&encode(GrayImage::from_pixel(1, 1, Luma([77])), ImageFormat::Png), "x").unwrap();
    assert_eq!(grey.rgb, [77, 77, 77]);
    let glass = RgbaImage::from_fn(2, 1, |x, _| Rgba([0, 100, 200, if x == 0 { 0 } else { 255 }]));
    assert_eq!(Picture::decode(&encode(glass, ImageFormat::Png), "x").unwrap().rgb, [255, 255, 255, 0, 100, 200]);
    let deep: ImageBuffer<Rgb<u16>, Vec<u16>> = ImageBuffer::from_pixel(1, 1, Rgb([0, 32896, 65535]));
    assert_eq!(Picture::decode(&encode(deep, ImageFormat::Png), "x").unwrap().rgb, [0, 128, 255]);
}

/// A JPEG with an EXIF segment that says orientation 6 (turn clockwise to view) right after its start marker.
fn turned_jpeg() -> Vec<u8> {
    let jpeg = encode(RgbImage::from_fn(16, 8, |x, _| Rgb([if x < 8 { 255 } else { 0 }; 3])), ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    let mut out = jpeg[..2].to_vec();
    out.extend([0xFF, 0xE1]);
    out.extend((exif.len() as u16 + 2).to_be_bytes());
    out.append(&mut exif);
    out.extend(&jpeg[2..]);
    out
}

#[test]
fn exif_orientation_is_applied() {
    let p = Picture::decode(&turned_jpeg(), "x").unwrap();
    assert_eq!((p.width, p.height), (8, 16));
    assert!(p.rgb[0] > 240, "the white half is on top");
    assert!(*p.rgb.last().unwrap() < 15);
}

#[test]
fn every_truncation_is_an_error_that_names_the_picture() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp] {
        let bytes = encode(colours(24, 24), format);
        for keep in 0..bytes.len() - 1 {
            // A PNG without its last chunk still has all its pixels.
            if let Err(e) = Picture::decode(&bytes[..keep], "face.jpg") {
                assert!(e.to_string().contains("`face.jpg`"), "{e}");
            } else {
                assert!(format == ImageFormat::Png && keep > bytes.len() - 24, "{format:?} cut to {keep} of {}", bytes.len());
            }
        }
    }
}

#[test]
fn what_is_not_a_picture_is_refused_with_a_reason() {
    let say = |bytes: &[u8]| Picture::decode(bytes, "a.jpg").unwrap_err().to_string();
    assert!(say(b"").contains("0 bytes"));
    assert!(say(b"hello, this is text").contains("not a picture"));
    assert!(say(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").contains("HEIC"));
}

#[test]
fn a_picture_that_claims_to_be_huge_is_refused_before_it_is_allocated() {
    let mut png = encode(colours(4, 4), ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0x50, 0, 0, 0, 0x50, 0]);
    // The header's CRC no longer fits; either reason is a refusal.
    assert!(Picture::decode(&png, "x").is_err());
    let ppm = b"P6 20000 20000 255\n";
    assert!(matches!(Picture::decode(ppm, "x"), Err(Error::Limits(_))));
}
