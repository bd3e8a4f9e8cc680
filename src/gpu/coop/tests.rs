//! The check of cooperative matrices itself, and every form of their kernel on adapters that have none.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::gpu::GpuOptions;
use crate::shader;

#[test]
fn the_worst_place_is_found() {
    let want = [1.0, 2.0, 4.0];
    let run = |i: usize, v: f32| {
        let mut run = want.to_vec();
        run[i] = v;
        run
    };
    assert_eq!(worst(&want, &[want.to_vec(), want.to_vec()], |_| 0.0), None);
    assert_eq!(worst(&want, &[run(1, 2.25)], |_| 0.5), None);
    // Twice the sum; beyond the bound; a NaN; not the same twice, however little.
    assert_eq!(worst(&want, &[run(2, 8.0)], |_| 0.0), Some((2, 8.0, 4.0)));
    assert_eq!(worst(&want, &[run(1, 2.75)], |_| 0.5), Some((1, 2.75, 2.0)));
    assert_eq!(worst(&want, &[run(0, f32::NAN)], |_| 0.5).map(|w| w.0), Some(0));
    assert_eq!(worst(&want, &[want.to_vec(), run(1, 2.0000002)], |_| 0.5), Some((1, 2.0000002, 2.0)));
    assert!(worst(&want, &[want[..2].to_vec()], |_| 0.5).is_some());
}

/// The check itself, on any adapter: the yardstick with the same tiles agrees with itself, and one that leaves half of each tile out
/// does not.
#[test]
fn a_kernel_is_told_from_a_wrong_one() {
    let gpu = Gpu::new(&GpuOptions { gemm: Some(GemmFamily::Tiled), ..GpuOptions::default() }).unwrap();
    assert_eq!(first_difference(&gpu, &shader::CONV_TILED_GEMM_M64_F16, &PRODUCTS).unwrap(), None);
    let difference = first_difference(&gpu, &shader::CONV_TILED_GEMM_M32_F16, &PRODUCTS).unwrap().unwrap();
    assert!(difference.contains("whole numbers, 1x1 of 16 channels to 64, 1x8x8 pixels"), "{difference}");
}

/// What halves of activations may be off by, and not more.
#[test]
fn the_bound_is_that_of_halves() {
    let p = product([1, 5, 5], 64, 8);
    let gpu = Gpu::new(&GpuOptions { gemm: Some(GemmFamily::Tiled), ..GpuOptions::default() }).unwrap();
    let (runs, bounds) = p.run(&gpu, &shader::CONV_TILED_GEMM_M64_F16, Data::Noise).unwrap();
    for (i, &v) in runs[0].iter().enumerate() {
        let bound = bounds.bound(i / 8, i % 8);
        // 64 products of about 0.3 each, 2^-10.
        assert!((0.01..0.04).contains(&bound), "{bound} for {v}");
    }
    assert_eq!(bounds.bound(0, 8), 0.0, "lanes beyond the last output hold 0");
}

/// The form with its matrix operations written out, so that any adapter runs everything else of it: a lane holds the same number of elements
/// of a matrix as it would, and reads A and B where they are staged.
fn emulated(form: &'static Shader) -> &'static Shader {
    let matrix = if form.name.contains(".m16_") { 16 } else { 8 };
    let subgroup = form.workgroup_size[0] / 4;
    let elements = matrix * matrix / subgroup;
    let mut source = format!(
        "enable f16;
        struct Matrix {{ v: array<f32, {elements}> }}
        var<private> me: u32;
        fn multiply(a: u32, b: u32, c: Matrix) -> Matrix {{
            var sum = c;
            for (var e = 0u; e < {elements}u; e++) {{
                let at = me * {elements}u + e;
                for (var k = 0u; k < {matrix}u; k++) {{
                    sum.v[e] += f32(tile_x[a + at / {matrix}u * 24u + k]) * f32(tile_w[b + k * 72u + at % {matrix}u]);
                }}
            }}
            return sum;
        }}
        fn keep(c: Matrix, to: u32) {{
            for (var e = 0u; e < {elements}u; e++) {{
                let at = me * {elements}u + e;
                tile_y[to + at / {matrix}u * 68u + at % {matrix}u] = c.v[e];
            }}
        }}
"
    );
    let matrix = format!("coop_mat{matrix}x{matrix}");
    for line in form.source.lines().filter(|l| !l.starts_with("enable ") && !l.starts_with("//")) {
        let line = line
            .replace(&format!("{matrix}<f32, C>()"), "Matrix()")
            .replace(&format!("coopLoadT<{matrix}<f16, A>>(&tile_x["), "(")
            .replace(&format!("coopLoadT<{matrix}<f16, B>>(&tile_w["), "(")
            .replace("], 24u)", ")")
            .replace("], 72u)", ")")
            .replace("coopMultiplyAdd(", "multiply(")
            .replace("coopStoreT(", "keep(")
            .replace("&tile_y[", "")
            .replace("], 68u)", ")")
            .replace(", @builtin(subgroup_id) subgroup: u32", "");
        source += &line;
        source.push('\n');
        if line.starts_with("fn main(") {
            source += &format!("let subgroup = local / {subgroup}u; me = local % {subgroup}u;\n");
        }
    }
    assert!(!source.contains("coop"), "{source}");
    variant(form, "emulated", source)
}

/// `form` with other text.
fn variant(form: &'static Shader, name: &str, source: String) -> &'static Shader {
    assert_ne!(source, form.source);
    Box::leak(Box::new(Shader {
        name: Box::leak(format!("{} {name}", form.name).into_boxed_str()),
        source: Box::leak(source.into_boxed_str()),
        workgroup_size: form.workgroup_size,
        workgroup_bytes: form.workgroup_bytes,
        bindings: form.bindings,
        params_size: form.params_size,
        subgroups: form.subgroups,
        cooperative: form.cooperative,
    }))
}

#[test]
fn every_form_computes_the_product_whatever_multiplies_its_matrices() {
    let gpu = Gpu::new(&GpuOptions { gemm: Some(GemmFamily::Tiled), ..GpuOptions::default() }).unwrap();
    if !gpu.adapter().f16 {
        println!("skipped: this adapter has no halves in shaders");
        return;
    }
    let forms: Vec<_> = Shader::all().iter().filter(|s| s.cooperative).collect();
    assert_eq!(forms.len(), 4);
    for form in forms {
        // All but those that only fill a large device.
        assert_eq!(first_difference(&gpu, emulated(form), &PRODUCTS[..8]).unwrap(), None, "{}", form.name);
    }
}

/// A form whose subgroups are other than it assumes leaves results out, and is refused.
#[test]
fn subgroups_of_another_size_are_noticed() {
    let gpu = Gpu::new(&GpuOptions { gemm: Some(GemmFamily::Tiled), ..GpuOptions::default() }).unwrap();
    if !gpu.adapter().f16 {
        println!("skipped: this adapter has no halves in shaders");
        return;
    }
    let form = emulated(&shader::CONV_COOP_GEMM_M16_SG32);
    // Two of 64 in place of four of 32.
    let source = form.source.replace("let subgroup = local / 32u; me = local % 32u;", "let subgroup = local / 64u; me = local % 32u;");
    assert!(first_difference(&gpu, variant(form, "in two subgroups", source), &PRODUCTS).unwrap().is_some());
}

/// What drivers and compilers have been seen to do to cooperative matrices, done to this device's.
#[test]
fn what_goes_wrong_elsewhere_is_noticed() {
    let gpu = Gpu::new(&GpuOptions { gemm: Some(GemmFamily::Tiled), experimental_coop: true, ..GpuOptions::default() }).unwrap();
    let Some(form) = gpu.caps().cooperative.and_then(coop_gemm::shader) else {
        println!("skipped: {}", gpu.cooperative().unwrap());
        return;
    };
    let matrix = gpu.caps().cooperative.unwrap().size;
    let operand = |role: &str| format!("T<coop_mat{matrix}x{matrix}<f16, {role}>>");
    for (name, from, to) in [
        ("with columns of A for rows", operand("A"), operand("A").replace('T', "")),
        ("with columns of B for rows", operand("B"), operand("B").replace('T', "")),
        ("with columns of C for rows", "coopStoreT(".to_owned(), "coopStore(".to_owned()),
        ("with a sum twice", "    coopStoreT(sum1_1,".to_owned(), "    coopStoreT(2.0 * sum1_1,".to_owned()),
        ("with a sum lost", "b0, sum0_0);".to_owned(), "b0, sum0_1);".to_owned()),
    ] {
        let wrong = variant(form, name, form.source.replace(&from, &to));
        let difference = first_difference(&gpu, wrong, &PRODUCTS).unwrap();
        assert!(difference.is_some_and(|d| d.starts_with("worst in whole numbers, ")), "{name}");
    }
    assert_eq!(first_difference(&gpu, form, &PRODUCTS).unwrap(), None);
}
