//! What every backend must keep: the conformance suite, and stores that make races and failures happen.
