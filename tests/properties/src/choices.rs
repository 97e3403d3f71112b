//! Owns choices: numbers taken from bytes, or made from a seed, so that the same bytes always choose the same.
//! Never touches what is chosen from.

/// Where choices come from.
pub(crate) trait Choices {
    /// Any number.
    fn number(&mut self) -> u32;

    /// A number below this one; nought if there is none.
    fn below(&mut self, limit: usize) -> usize {
        let number = self.number() as usize;
        number.checked_rem(limit).unwrap_or_default()
    }

    /// One of these.
    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

/// Choices that bytes make: two for each, and nought when there are no more.
pub(crate) struct Script<'b>(pub(crate) &'b [u8]);

impl Choices for Script<'_> {
    fn number(&mut self) -> u32 {
        let (taken, rest) = self.0.split_at(self.0.len().min(2));
        self.0 = rest;
        taken.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
    }
}

/// Choices that a seed makes (SplitMix64).
pub(crate) struct Seeded(pub(crate) u64);

impl Choices for Seeded {
    fn number(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x >> 32) as u32
    }
}
