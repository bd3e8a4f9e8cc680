//! Pictures on the device: what goes up comes back, whatever shape it has and whoever uploaded it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::gpu;
use lookalike::Error;
use lookalike::gpu::{Gpu, GpuOptions, Photo};
use lookalike::network::{Border, Look, Sampling};
use lookalike::wgpu;

/// Pixels that differ from their neighbours.
fn pixels(width: u32, height: u32) -> Vec<u8> {
    (0..width * height * 3).map(|i| (i.wrapping_mul(0x9E37_79B9) >> 24) as u8).collect()
}

fn whole() -> Look {
    Look::Warp { transform: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0], border: Border::Black, sampling: Sampling::Point }
}

#[test]
fn what_is_uploaded_comes_back_also_where_it_is_longer_than_a_texture() {
    let gpu = gpu();
    for [width, height] in [[1, 1], [37, 19], [40_000, 3], [2, 40_000]] {
        let rgb = pixels(width, height);
        let photo = Photo::upload(&gpu, &rgb, width, height).unwrap();
        assert_eq!(photo.size(), [width, height]);
        // The far corner, which lies elsewhere in a folded picture.
        let [w, h] = [width.min(50), height.min(50)];
        let [x, y] = [width - w, height - h];
        let look = Look::Warp { transform: [1.0, 0.0, x as f32, 0.0, 1.0, y as f32], border: Border::Black, sampling: Sampling::Point };
        let area = Look::Area { left: x as i32, top: y as i32, width: w, height: h };
        let seen = photo.render(&gpu, &[look, area], [w, h]).unwrap();
        let want: Vec<u8> =
            (y..height).flat_map(|r| rgb[((r * width + x) * 3) as usize..((r + 1) * width * 3) as usize].to_vec()).collect();
        assert!(seen[0] == want && seen[1] == want, "{width}x{height}");
    }
}

fn texture(gpu: &Gpu, format: wgpu::TextureFormat, bytes: &[u8], width: u32, height: u32) -> wgpu::Texture {
    let size = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
    let texture = gpu.device().create_texture(&wgpu::TextureDescriptor {
        label: None,
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width * 4), rows_per_image: None };
    gpu.queue().write_texture(texture.as_image_copy(), bytes, layout, size);
    texture
}

#[test]
fn a_texture_of_the_caller_is_a_photo_too() {
    let gpu = gpu();
    let (width, height) = (23, 11);
    let rgb = pixels(width, height);
    let four = |order: [usize; 3]| rgb.chunks_exact(3).flat_map(|p| [p[order[0]], p[order[1]], p[order[2]], 9]).collect::<Vec<u8>>();
    for (format, order) in [(wgpu::TextureFormat::Rgba8Unorm, [0, 1, 2]), (wgpu::TextureFormat::Bgra8Unorm, [2, 1, 0])] {
        let photo = Photo::from_texture(&gpu, &texture(&gpu, format, &four(order), width, height)).unwrap();
        assert!(photo.render(&gpu, &[whole()], [width, height]).unwrap()[0] == rgb, "{format:?}");
    }
    let other = texture(&gpu, wgpu::TextureFormat::Rgba8UnormSrgb, &four([0, 1, 2]), width, height);
    let error = Photo::from_texture(&gpu, &other).unwrap_err();
    assert!(matches!(&error, Error::Caller(text) if text.contains("Rgba8Unorm")), "{error}");
}

#[test]
fn looks_and_pictures_that_make_no_sense_are_refused() {
    let gpu = gpu();
    let photo = Photo::upload(&gpu, &pixels(5, 4), 5, 4).unwrap();
    let warp = |transform| Look::Warp { transform, border: Border::Edge, sampling: Sampling::Smooth };
    let empty = Look::Area { left: 0, top: 0, width: 0, height: 3 };
    for look in [warp([f32::NAN; 6]), warp([1.0, 0.0, f32::INFINITY, 0.0, 1.0, 0.0]), empty] {
        assert!(matches!(photo.render(&gpu, &[look], [4, 4]), Err(Error::Caller(_))), "{look:?}");
    }
    assert!(matches!(Photo::upload(&gpu, &[0; 11], 2, 2), Err(Error::Caller(_))));
    assert!(matches!(Photo::upload(&gpu, &[], 0, 2), Err(Error::Caller(_))));
    assert_eq!(photo.render(&gpu, &[], [4, 4]).unwrap(), [] as [Vec<u8>; 0]);
}

#[test]
fn memory_of_photos_is_given_back() {
    // A device of its own: other tests use the shared one meanwhile.
    let gpu = Gpu::new(&GpuOptions::default()).unwrap();
    let rgb = pixels(300, 200);
    let before = gpu.memory().0;
    let photo = Photo::upload(&gpu, &rgb, 300, 200).unwrap();
    let clone = photo.clone();
    assert_eq!(gpu.memory().0 - before, 300 * 200 * 4);
    drop(photo);
    assert_eq!(clone.render(&gpu, &[whole()], [300, 200]).unwrap()[0], rgb);
    drop(clone);
    assert_eq!(gpu.memory().0, before);
}
