//! Sockets: who gets in, how many of them, and how the last ones leave.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::{Entropy, UniqueNames};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connection::converse;
use super::exchange::{Desk, REQUESTS_MAX};
use super::{Limits, Service, Tls};

/// How many connections are open at the same time. More wait outside.
const CONNECTIONS_MAX: usize = 8192;
/// How many of them may come from one place, so that one client cannot lock out all others.
const CONNECTIONS_PER_PLACE_MAX: usize = CONNECTIONS_MAX / 4;
/// How long to wait when the system has no room for another connection.
const BREATH: Duration = Duration::from_millis(50);

/// A socket that is listened on.
pub struct Listener {
    /// Where clients connect.
    pub socket: TcpListener,
    /// Encryption; `None` only where the operator turned it off.
    pub tls: Option<Arc<Tls>>,
    /// How much requests and connections may take here.
    pub limits: Limits,
}

/// What answers on every listener.
pub struct Server {
    service: Arc<dyn Service>,
    names: Arc<UniqueNames>,
    permits: Arc<Semaphore>,
    places: Arc<Places>,
}

/// The wish that everything comes to an end, and the way to hear of it.
#[derive(Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    /// Nobody has asked for the end yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Asks for the end.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// Waits until somebody asks for the end.
    pub async fn requested(&self) {
        // The sender lives as long as this does, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|requested| *requested).await;
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// A server that passes requests on to `service` and names them from `entropy`.
    pub fn new(service: Arc<dyn Service>, entropy: Arc<dyn Entropy>) -> Self {
        let permits = Arc::new(Semaphore::new(REQUESTS_MAX));
        let names = Arc::new(UniqueNames::new(entropy));
        Self { service, names, permits, places: Arc::new(Places::new()) }
    }

    /// Answers on all `listeners` until `stop` is requested; then takes no new connections, and
    /// gives those that are there `grace` to get their answers.
    pub async fn run(&self, listeners: Vec<Listener>, stop: Stop, grace: Duration) {
        let mut accepting = JoinSet::new();
        for listener in listeners {
            accepting
                .spawn(accept(listener.socket, self.door(listener.tls, listener.limits, &stop)));
        }
        // Each ends by itself once stop is requested, and lets go of its socket.
        while accepting.join_next().await.is_some() {}
        let ended = async {
            self.places.all_free().await;
            let _ = self.permits.acquire_many(REQUESTS_MAX as u32).await;
        };
        if timeout(grace, ended).await.is_err() {
            tracing::warn!("some requests were cut off: they took longer than stopping may");
        }
    }

    fn door(&self, tls: Option<Arc<Tls>>, limits: Limits, stop: &Stop) -> Door {
        let (service, names) = (self.service.clone(), self.names.clone());
        let desk = Arc::new(Desk { service, names, limits, permits: self.permits.clone() });
        Door { tls, desk, places: self.places.clone(), stop: stop.clone() }
    }
}

/// All that a connection passes on its way in.
#[derive(Clone)]
struct Door {
    tls: Option<Arc<Tls>>,
    desk: Arc<Desk>,
    places: Arc<Places>,
    stop: Stop,
}

async fn accept(socket: TcpListener, door: Door) {
    let stop = door.stop.clone();
    let accepting = async {
        // Ends when `stop` is requested.
        loop {
            let permit = door.places.permit().await;
            match socket.accept().await {
                Ok((stream, remote)) => admit(stream, remote, permit, &door),
                Err(error) => wait_out(&error).await,
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stop.requested() => {}
    }
}

fn admit(stream: TcpStream, remote: SocketAddr, permit: OwnedSemaphorePermit, door: &Door) {
    // One client has one address, also where the socket takes both kinds.
    let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
    let Some(place) = door.places.take(remote.ip()) else {
        tracing::debug!(%remote, "refused a connection: too many from one place");
        return;
    };
    let door = door.clone();
    tokio::spawn(async move {
        welcome(stream, remote, &door).await;
        drop((place, permit));
    });
}

async fn welcome(stream: TcpStream, remote: SocketAddr, door: &Door) {
    // Answers are small and whole: there is nothing to wait for before sending them.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Some(tls) = &door.tls else {
        return converse(stream, remote, door.desk.clone(), door.stop.clone()).await;
    };
    let shaking = timeout(door.desk.limits.handshake, tls.acceptor().accept(stream));
    let shaken = tokio::select! {
        shaken = shaking => shaken,
        () = door.stop.requested() => return,
    };
    match shaken {
        Ok(Ok(stream)) => converse(stream, remote, door.desk.clone(), door.stop.clone()).await,
        Ok(Err(error)) => tracing::debug!(%remote, %error, "a TLS handshake failed"),
        Err(_) => tracing::debug!(%remote, "a TLS handshake took too long"),
    }
}

#[allow(clippy::disallowed_methods, reason = "the system does not say when there is room again")]
async fn wait_out(error: &io::Error) {
    // A client that left before we got to it says nothing about the next one.
    if error.kind() != io::ErrorKind::ConnectionAborted {
        tracing::warn!(%error, "cannot take a connection");
        sleep(BREATH).await;
    }
}

/// Where connections come from, and how many there are.
struct Places {
    permits: Arc<Semaphore>,
    taken: Mutex<BTreeMap<IpAddr, usize>>,
}

/// A place that one connection takes up.
struct Place {
    places: Arc<Places>,
    origin: IpAddr,
}

impl Places {
    fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(CONNECTIONS_MAX)), taken: Mutex::default() }
    }

    async fn permit(&self) -> OwnedSemaphorePermit {
        let permit = self.permits.clone().acquire_owned().await;
        permit.expect("this semaphore is never closed")
    }

    async fn all_free(&self) {
        let _ = self.permits.acquire_many(CONNECTIONS_MAX as u32).await;
    }

    fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let origin = origin(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(origin).or_default();
        if *count >= CONNECTIONS_PER_PLACE_MAX {
            return None;
        }
        *count += 1;
        Some(Place { places: self.clone(), origin })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.origin);
            }
        }
    }
}

/// Whoever has one IPv6 address has all 2⁶⁴ beside it.
fn origin(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::from((address.to_bits() >> 64 << 64).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn one_client_cannot_take_every_place() {
        let places = Arc::new(Places::new());
        let mut taken: Vec<Place> = Vec::new();
        for host in 0..CONNECTIONS_PER_PLACE_MAX {
            let address = format!("2001:db8::{:x}", host % 1000);
            taken.push(places.take(address.parse().unwrap()).unwrap());
        }
        assert!(places.take("2001:db8::ffff".parse().unwrap()).is_none());
        assert!(places.take("2001:db8:0:1::1".parse().unwrap()).is_some());
        assert!(places.take("192.0.2.1".parse().unwrap()).is_some());
        taken.pop();
        assert!(places.take("2001:db8::ffff".parse().unwrap()).is_some());
        taken.clear();
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
