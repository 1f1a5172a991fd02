//! Where random bytes come from: an argument, like time, so that a test can be run twice.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// A source of random bytes good enough for keys.
pub trait Entropy: Send + Sync {
    /// Overwrites all of `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator, through the cryptography library's own.
#[derive(Default)]
pub struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // There is nothing sensible to do without randomness: a key drawn from none would be worse
        // than a request that ends here.
        self.0
            .fill(bytes)
            .expect("the library waits for the operating system and then never fails");
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Bytes that look random and are the same in every run.

    use std::sync::atomic::{AtomicU64, Ordering};

    use aws_lc_rs::digest::{SHA256, digest};

    use super::Entropy;

    /// SHA-256 of a seed and a counter: as even as random, and repeatable.
    pub(crate) struct Seeded {
        seed: u64,
        drawn: AtomicU64,
    }

    impl Seeded {
        pub(crate) fn new(seed: u64) -> Self {
            Self { seed, drawn: AtomicU64::new(0) }
        }
    }

    impl Entropy for Seeded {
        fn fill(&self, bytes: &mut [u8]) {
            for chunk in bytes.chunks_mut(32) {
                let count = self.drawn.fetch_add(1, Ordering::Relaxed);
                let input = [self.seed.to_be_bytes(), count.to_be_bytes()].concat();
                for (byte, random) in chunk.iter_mut().zip(digest(&SHA256, &input).as_ref()) {
                    *byte = *random;
                }
            }
        }
    }
}
