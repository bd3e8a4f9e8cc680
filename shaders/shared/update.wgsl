// Parameters of optimisers. Mirrored by kernels::train::Params.
struct Params {
    count: u32,            // vec4s of the learned numbers
    decayed: u32,          // the first so many of them decay
    nesterov: u32,         // SGD: 1 looks ahead
    rate: f32,
    decay: f32,            // decoupled: takes rate * decay of a number itself
    scale: f32,            // of the gradient: clipping
    first: f32,            // momentum; beta1
    first_rest: f32,       // 1 - beta1
    second: f32,           // beta2
    second_rest: f32,      // 1 - beta2
    first_unbiased: f32,   // 1 / (1 - beta1^t)
    second_unbiased: f32,  // 1 / (1 - beta2^t)
    epsilon: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
