//! Where random bytes come from.

pub(crate) use api::Entropy;

#[cfg(test)]
pub(crate) mod testing {
    //! Bytes that look random and are the same in every run.

    pub(crate) use api::testing::Seeded;
}
