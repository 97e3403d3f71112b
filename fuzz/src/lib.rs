//! Owns the way from the fuzzer's buffers to properties, and to changes that know what they change.
//! Never touches the changes themselves.

use portico_properties::{PROPERTIES, Property};

/// The entry points of a fuzzing target for the property of this name.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        libfuzzer_sys::fuzz_target!(init: $crate::begin($name), |input: &[u8]| {
            ($crate::named($name).holds)(input);
        });
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutated(data, size, max_size, seed, &$crate::named($name))
        });
    };
}

/// The property of this name.
///
/// # Panics
/// If there is none.
pub fn named(name: &str) -> Property {
    PROPERTIES.into_iter().find(|property| property.name == name).expect("a property of that name")
}

/// Write the inputs to begin with into the corpus, where it is empty.
///
/// # Panics
/// If they cannot be written.
pub fn begin(name: &str) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    if folder.read_dir().expect("a folder").next().is_some() {
        return;
    }
    for (number, seed) in (named(name).seeds)().into_iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number:02}")), seed).expect("a file");
    }
}

/// Change an input: mostly as the property's inputs are changed, and otherwise byte by byte as the fuzzer does.
pub fn mutated(data: &mut [u8], size: usize, max_size: usize, seed: u32, property: &Property) -> usize {
    if seed.is_multiple_of(3) {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let mut input = data[..size].to_vec();
    (property.change)(&mut input, max_size, u64::from(seed));
    let length = input.len().min(max_size).min(data.len());
    data[..length].copy_from_slice(&input[..length]);
    length
}
