//! Compiled-in shaders: text, reflection and the expansion that made them.

pub mod expand;

/// What a binding of group 0 is. Binding 0 is always the parameter struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BindingKind {
    /// The `Params` struct.
    Uniform,
    /// A storage buffer that is read.
    Read,
    /// A storage buffer that is written (and possibly read).
    Write,
    /// A tensor of vec4s read as texels (`shaders/shared/texel.wgsl`).
    Texture,
    /// The same with u32 elements: halves in pairs.
    TextureUint,
}

/// One permutation of a shader, validated and reflected when the crate was built.
#[derive(Debug)]
pub struct Shader {
    /// `family/stem.form`, as in `shaders/permutations.txt`.
    pub name: &'static str,
    /// Plain WGSL, fully expanded.
    pub source: &'static str,
    /// Invocations of a workgroup.
    pub workgroup_size: [u32; 3],
    /// Workgroup memory in bytes.
    pub workgroup_bytes: u32,
    /// Bindings of group 0 in order.
    pub bindings: &'static [BindingKind],
    /// Bytes of the `Params` struct.
    pub params_size: u32,
    /// Whether it uses subgroup operations or builtins.
    pub subgroups: bool,
    /// Whether it uses cooperative matrices, and halves as a type.
    pub cooperative: bool,
}

impl PartialEq for Shader {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Shader {
    /// Every permutation of the crate.
    pub fn all() -> &'static [&'static Shader] {
        ALL
    }

    /// Whether operands are bound as textures.
    pub fn has_textures(&self) -> bool {
        self.bindings.iter().any(|b| matches!(b, BindingKind::Texture | BindingKind::TextureUint))
    }

    /// The permutation of this name.
    pub fn find(name: &str) -> Option<&'static Shader> {
        Self::all().iter().find(|s| s.name == name).copied()
    }
}

mod generated {
    use super::{BindingKind, Shader};
    include!(concat!(env!("OUT_DIR"), "/shaders.rs"));
}
pub(crate) use generated::*;
