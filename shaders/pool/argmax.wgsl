// Where the maxima of windows over packed maps lie: the first one's index in the flattened picture (N, C, H, W), or (N, C, W, H) with
// `columns`. A window without cells gives 0.
//
// Layouts   x: packed NHWC, f32 or i32 as bits   y: packed NHWC of i32
// Threads   64 in a row over (pixel, c4), c4 fastest; one output vec4 a thread. Workgroup memory: none.
#import shared/index
#import shared/pool
#import shared/rank

@group(0) @binding(1) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<u32>>;

const BEST = 0x7fffffffi;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.pixels * p.c4) {
        return;
    }
    let c = i % p.c4;
    let pixel = i / p.c4;
    let ox = pixel % p.out_w;
    let oy = pixel / p.out_w % p.out_h;
    let n = pixel / (p.out_w * p.out_h);
    let real = p.real != 0u;
    let channel = vec4<u32>(c * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    let plane = (vec4<u32>(n * p.channels) + channel) * (p.in_h * p.in_w);
    var best = vec4<i32>();
    var place = vec4<u32>();
    var none = true;
    for (var ky = 0u; ky < p.kernel_h; ky++) {
        for (var kx = 0u; kx < p.kernel_w; kx++) {
            let row = oy * p.stride_h + ky * p.dilation_h - p.pad_h;
            let col = ox * p.stride_w + kx * p.dilation_w - p.pad_w;
            if (row < p.in_h && col < p.in_w) {
                let v = x[((n * p.in_h + row) * p.in_w + col) * p.c4 + c];
                let own = vec4<i32>(rank(v.x, real, true, BEST), rank(v.y, real, true, BEST), rank(v.z, real, true, BEST), rank(v.w, real, true, BEST));
                let wins = vec4<bool>(none) | (own > best);
                best = select(best, own, wins);
                place = select(place, plane + select(row * p.in_w + col, col * p.in_h + row, p.columns != 0u), wins);
                none = false;
            }
        }
    }
    y[i] = select(vec4<u32>(), place, channel < vec4<u32>(p.channels));
}
