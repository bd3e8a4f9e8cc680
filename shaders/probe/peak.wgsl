// How many multiply-adds a device does: 4 independent vec4 sums (more would not fit 16 vector registers) a thread, nothing else.
//
// Threads   64 a workgroup; a thread does rounds * 16 * 4 * 4 multiply-adds. Workgroup memory: none.
struct Params {
    rounds: u32,
    scale: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let a = vec4<f32>(p.scale);
#for i in 0..4
    var s{{i}} = vec4<f32>(f32(local + {{i}}u));
#endfor
    for (var r = 0u; r < p.rounds; r++) {
#for u in 0..16
#for i in 0..4
        s{{i}} = s{{i}} * a + a;
#endfor
#endfor
    }
    var sum = s0;
#for i in 1..4
    sum += s{{i}};
#endfor
    y[group.x * 64u + local] = sum;
}
