// clock ← [t + 1, β₁ᵗ · β₁, β₂ᵗ · β₂, learning rate]
struct Params { beta1: f32, beta2: f32 }
@group(0) @binding(0) var<storage, read_write> clock: array<f32>;
@group(0) @binding(1) var<uniform> p: Params;

@compute @workgroup_size(1)
fn main() {
  clock[0] += 1.0;
  clock[1] *= p.beta1;
  clock[2] *= p.beta2;
}
