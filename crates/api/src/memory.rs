//! What one request remembers from attempt to attempt.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Result;

type Found = Arc<dyn Any + Send + Sync>;

/// Results that are dear to come by and stay true however often the attempt starts over.
///
/// A lost race must not make a login hash its password again.
#[derive(Default)]
pub struct Memory {
    found: Mutex<BTreeMap<String, Found>>,
}

impl Memory {
    /// What `find` answers; asked at most once per `question` and request. The question holds all
    /// that the answer depends on.
    ///
    /// # Errors
    /// Those of `find`, which are not remembered.
    pub async fn once<T: Clone + Send + Sync + 'static>(
        &self,
        question: &str,
        find: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        if let Some(found) = self.recall(question) {
            return Ok(found);
        }
        let found = find.await?;
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(question.to_owned(), Arc::new(found.clone()));
        Ok(found)
    }

    fn recall<T: Clone + 'static>(&self, question: &str) -> Option<T> {
        let all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(question).and_then(|found| found.downcast_ref::<T>()).cloned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn the_second_attempt_does_not_ask_again() {
        let memory = Memory::default();
        assert_eq!(memory.once("a", async { Ok(1) }).await.unwrap(), 1);
        assert_eq!(memory.once("a", async { Ok(2) }).await.unwrap(), 1);
        assert_eq!(memory.once("b", async { Ok(3) }).await.unwrap(), 3);
    }
}
