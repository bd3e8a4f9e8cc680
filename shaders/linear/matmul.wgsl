// Product of two computed matrices, or of stacks of them: attention, similarity.
//
//   y[batch][m][n] = sum over k:  a[batch][m][k] * b[batch][k][n]
//
// Layouts   a, b, y: row-major; the leading axes of a and b by strides in numbers, 0 where an operand is broadcast
//
// SG = 0, through workgroup memory, for GPUs. 256 threads = 16 x 16; tile = 64 rows x 64 columns x 16 k; a thread sums 4 rows x 4 columns.
//            tx: 16 x 4 columns
//      ty 0 [ 4 x 4 | ... ]      per step of 16 k: 64 rows x 4 vec4 of a and 16 k x 16 vec4 of b are staged, then 4 rounds of 4 k each
//      ...                       Workgroup memory: 8 KiB. Grid: (row tiles of 64, column tiles of 64, batch).
//
// SG > 0, by subgroup broadcast, for software adapters. One subgroup = one workgroup; tile = ROWS rows x 4 * SG columns; a and b are textures.
//              lane 0   lane 1  ...      every lane: 4 columns, ROWS sums in named registers; lane l loads rows l, l + SG, ... of a,
//      row 0 [ n0..3 | n4..7 | ... ]     and the subgroup replays them by subgroupBroadcast with a constant lane
//      ...                               EVEN: all rows begin at a texel. Workgroup memory: none. Grid: (row tiles of ROWS, column tiles of 4 * SG, batch).
#if SG > 0
#import shared/texel
#endif

struct Batch {
    size: u32,
    a_stride: u32,
    b_stride: u32,
    pad: u32,
}

struct Params {
    batch: array<Batch, 6>,   // outermost first
    m: u32,
    k: u32,
    n: u32,
    first: u32,               // of the stack in this dispatch
}

@group(0) @binding(0) var<uniform> p: Params;
#if SG > 0
@group(0) @binding(1) var a: texture_2d<f32>;
@group(0) @binding(2) var b: texture_2d<f32>;
#else
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
#endif
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// Where the matrices number `index` of both stacks begin.
fn origins(index: u32) -> vec2<u32> {
    var rest = index;
    var at = vec2<u32>();
#for i in 0..6
    {
        let axis = p.batch[{{5 - i}}];
        at += (rest % axis.size) * vec2<u32>(axis.a_stride, axis.b_stride);
        rest /= axis.size;
    }
#endfor
    return at;
}

fn store(matrix: u32, row: u32, column: u32, sum: vec4<f32>) {
    if (row < p.m) {
        let at = (matrix * p.m + row) * p.n + column;
#for j in 0..4
        if (column + {{j}}u < p.n) {
            y[at + {{j}}u] = sum[{{j}}];
        }
#endfor
    }
}

// Whether each of four neighbours from `i` on is below `end`.
fn below(i: u32, end: u32) -> vec4<bool> {
    return vec4<u32>(i) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(end);
}

#if SG > 0
#if EVEN
fn load_a(i: u32) -> vec4<f32> {
    return textureLoad(a, texel(i / 4u), 0);
}

fn load_b(i: u32) -> vec4<f32> {
    return textureLoad(b, texel(i / 4u), 0);
}
#else
// Four numbers, of which the first is number `by` of the first of two texels.
fn shifted(low: vec4<f32>, high: vec4<f32>, by: u32) -> vec4<f32> {
    let even = select(low, vec4<f32>(low.zw, high.xy), by >= 2u);
    let odd = select(vec4<f32>(low.yzw, high.x), vec4<f32>(low.w, high.xyz), by >= 2u);
    return select(even, odd, (by & 1u) != 0u);
}

// Numbers i .. i + 3 of a matrix, which need not start at a texel.
fn load_a(i: u32) -> vec4<f32> {
    return shifted(textureLoad(a, texel(i / 4u), 0), textureLoad(a, texel(i / 4u + 1u), 0), i % 4u);
}

fn load_b(i: u32) -> vec4<f32> {
    return shifted(textureLoad(b, texel(i / 4u), 0), textureLoad(b, texel(i / 4u + 1u), 0), i % 4u);
}
#endif

@compute @workgroup_size({{SG}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let matrix = p.first + group.z;
    let origin = origins(matrix);
    let first = group.x * {{Q * SG}}u;
    let column = (group.y * {{SG}}u + lane) * 4u;
#for j in 0..Q
    let row{{j}} = origin.x + min(first + {{j * SG}}u + lane, p.m - 1u) * p.k;
#endfor
#for i in 0..Q * SG
    var sum{{i}} = vec4<f32>();
#endfor
    let left = origin.y + column;
    // What lies behind the last k belongs to another row, and may be no number: it must not even be multiplied by 0.
    for (var k = 0u; k < p.k; k += 4u) {
        let inside = below(k, p.k);
#for j in 0..Q
        let a{{j}} = select(vec4<f32>(), load_a(row{{j}} + k), inside);
#endfor
#for c in 0..4
        let k{{c}} = select(vec4<f32>(), load_b(left + (k + {{c}}u) * p.n), inside[{{c}}]);
#endfor
#for i in 0..Q * SG
        let v{{i}} = subgroupBroadcast(a{{i / SG}}, {{i % SG}}u);
        sum{{i}} += v{{i}}.x * k0;
        sum{{i}} += v{{i}}.y * k1;
        sum{{i}} += v{{i}}.z * k2;
        sum{{i}} += v{{i}}.w * k3;
#endfor
    }
#for i in 0..Q * SG
    store(matrix, first + {{i}}u, column, sum{{i}});
#endfor
}
#else
var<workgroup> tile_a: array<vec4<f32>, 256>; // [k4][row]
var<workgroup> tile_b: array<vec4<f32>, 256>; // [k][column4]

// Four neighbours of a row, 0 for those at or beyond `end`.
fn load_a(row: u32, k: u32, end: u32) -> vec4<f32> {
    let at = vec4<u32>(row) + min(vec4<u32>(k) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(end - 1u));
    return select(vec4<f32>(), vec4<f32>(a[at.x], a[at.y], a[at.z], a[at.w]), below(k, end));
}

fn load_b(row: u32, column: u32, end: u32) -> vec4<f32> {
    let at = vec4<u32>(row) + min(vec4<u32>(column) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(end - 1u));
    return select(vec4<f32>(), vec4<f32>(b[at.x], b[at.y], b[at.z], b[at.w]), below(column, end));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let matrix = p.first + group.z;
    let origin = origins(matrix);
    let tx = local % 16u;
    let ty = local / 16u;
    let row = group.x * 64u;
    let column = group.y * 64u;
    // Staging of a: thread = (row = local / 4, four k = local % 4); of b: thread = (k = ty, four columns = tx).
    let a_row = origin.x + min(row + local / 4u, p.m - 1u) * p.k;
#for i in 0..4
    var sum{{i}} = vec4<f32>();
#endfor
    for (var k = 0u; k < p.k; k += 16u) {
        tile_a[local % 4u * 64u + local / 4u] = load_a(a_row, k + local % 4u * 4u, p.k);
        let b_k = k + ty;
        tile_b[local] = select(vec4<f32>(), load_b(origin.y + min(b_k, p.k - 1u) * p.n, column + tx * 4u, p.n), b_k < p.k);
        workgroupBarrier();
#for q in 0..4
        {
#for k in 0..4
            let k{{k}} = tile_b[{{(4 * q + k) * 16}}u + tx];
#endfor
#for i in 0..4
            let v{{i}} = tile_a[{{q * 64}}u + ty * 4u + {{i}}u];
            sum{{i}} += v{{i}}.x * k0;
            sum{{i}} += v{{i}}.y * k1;
            sum{{i}} += v{{i}}.z * k2;
            sum{{i}} += v{{i}}.w * k3;
#endfor
        }
#endfor
        workgroupBarrier();
    }
#for i in 0..4
    store(matrix, row + ty * 4u + {{i}}u, column + tx * 4u, sum{{i}});
#endfor
}
#endif
