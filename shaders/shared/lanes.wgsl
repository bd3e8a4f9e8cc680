// Sets lanes at or beyond channel count `channels` to 0 in vec4 number `block` of a pixel.
fn keep_channels(v: vec4<f32>, block: u32, channels: u32) -> vec4<f32> {
    return select(vec4<f32>(), v, vec4<u32>(block * 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(channels));
}
