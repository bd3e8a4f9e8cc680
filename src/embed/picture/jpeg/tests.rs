//! The decoder against another one, which rounds otherwise, and on files that are damaged.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

/// A picture with edges, colours and slopes as a JPEG.
fn encoded(width: u32, height: u32, quality: u8) -> Vec<u8> {
    let pixel = |x: u32, y: u32| {
        let stripe = if (x / 5 + y / 7).is_multiple_of(2) { 60 } else { 0 };
        image::Rgb([(x * 3 % 256) as u8, (y * 2 % 200) as u8 + stripe.min(55), ((x + y) % 180) as u8 + stripe])
    };
    let picture = image::RgbImage::from_fn(width, height, pixel);
    let mut out = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, quality).encode_image(&picture).unwrap();
    out
}

#[test]
fn another_decoder_sees_the_same_picture_up_to_rounding() {
    for (width, height, quality) in [(64, 48, 95), (33, 17, 80), (1, 1, 90), (2, 9, 50), (100, 3, 20)] {
        let bytes = encoded(width, height, quality);
        let (w, h, rgb) = decode(&bytes, 1 << 24).unwrap();
        assert_eq!((w, h), (width, height));
        let mut other = jpeg_decoder::Decoder::new(bytes.as_slice());
        let pixels = other.decode().unwrap();
        assert_eq!(rgb.len(), pixels.len());
        let most = rgb.iter().zip(&pixels).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(most <= 3, "{width}x{height} at {quality}: {most} grey levels");
    }
}

#[test]
fn flat_blocks_are_flat_and_levels_are_cut() {
    let block = |dc: i16| {
        let mut coefficients = [0; 64];
        coefficients[0] = dc;
        idct::samples(&coefficients, &[8; 64])
    };
    assert_eq!(block(0), [128; 64]);
    assert_eq!(block(10), [138; 64]);
    assert_eq!(block(1000), [255; 64]);
    assert_eq!(block(-1000), [0; 64]);
}

#[test]
fn damaged_files_end_in_nothing_or_in_a_picture() {
    let whole = encoded(40, 40, 70);
    for cut in 0..whole.len() {
        assert!(decode(&whole[..cut], 1 << 20).is_none(), "cut at {cut}");
    }
    let mut state = 1u32;
    for _ in 0..4000 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (state >> 8) as usize % bytes.len();
            bytes[at] = (state >> 3) as u8;
        }
        if let Some((w, h, rgb)) = decode(&bytes, 1 << 20) {
            assert_eq!(rgb.len(), w as usize * h as usize * 3);
        }
    }
}

#[test]
fn memory_is_bounded_before_it_is_taken() {
    let whole = encoded(64, 64, 70);
    assert!(decode(&whole, 1 << 20).is_some());
    assert!(decode(&whole, 20_000).is_none());
}
