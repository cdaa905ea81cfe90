//! The resolver with a server on loopback that answers as it is told, and knows nothing of DNSSEC.

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, MX, NS};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use net::{Answer, DnsFailure, DnsSettings, Dnssec, Resolver};
use std::net::{IpAddr, SocketAddr};
use tokio::net::UdpSocket;

fn name(text: &str) -> Name {
    Name::from_ascii(text).expect("a name")
}

/// What the server says about a name.
fn said(asked: &Name, kind: RecordType) -> (ResponseCode, Vec<RData>) {
    let text = asked.to_lowercase().to_ascii();
    let data = match (text.as_str(), kind) {
        (".", RecordType::NS) => vec![RData::NS(NS(name("ns.test.")))],
        ("example.test.", RecordType::MX) => vec![
            RData::MX(MX::new(20, name("B.example.test."))),
            RData::MX(MX::new(10, name("a.example.test."))),
        ],
        ("null.test.", RecordType::MX) => vec![RData::MX(MX::new(0, Name::root()))],
        ("a.example.test.", RecordType::A) => vec![RData::A(A::new(192, 0, 2, 1))],
        ("nobody.test.", _) => return (ResponseCode::NXDomain, Vec::new()),
        ("ill.test.", _) => return (ResponseCode::ServFail, Vec::new()),
        _ => Vec::new(),
    };
    (ResponseCode::NoError, data)
}

async fn serve() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
    let at = socket.local_addr().expect("bound");
    tokio::spawn(async move {
        let mut octets = [0; 4_096];
        while let Ok((len, from)) = socket.recv_from(&mut octets).await {
            let asked = Message::from_vec(&octets[..len]).expect("a question");
            let query = asked.queries[0].clone();
            let (code, data) = said(query.name(), query.query_type());
            let mut reply = Message::response(asked.metadata.id, OpCode::Query);
            reply.metadata.response_code = code;
            reply.metadata.recursion_available = true;
            let owner = query.name().clone();
            reply.add_answers(
                data.into_iter()
                    .map(|data| Record::from_rdata(owner.clone(), 300, data)),
            );
            reply.add_query(query);
            let reply = reply.to_vec().expect("it fits");
            let _ = socket.send_to(&reply, from).await;
        }
    });
    at
}

async fn resolver(dnssec: Dnssec) -> Resolver {
    let settings = DnsSettings {
        servers: vec![serve().await],
        dnssec,
        anchors: None,
    };
    Resolver::new(&settings).expect("it can be asked")
}

#[tokio::test]
async fn answers_come_as_they_are() {
    // [rfc2308 2.1] [rfc2308 2.2] [rfc7505 3]
    for dnssec in [Dnssec::Off, Dnssec::Auto] {
        let resolver = resolver(dnssec).await;
        let Answer::Found {
            value, is_secure, ..
        } = resolver.mx("example.test").await
        else {
            panic!("{dnssec:?}");
        };
        let hosts: Vec<&str> = value.iter().map(|mx| mx.host.as_str()).collect();
        assert_eq!(hosts, ["a.example.test", "b.example.test"]);
        assert!(!is_secure);
        let null = resolver.mx("null.test").await;
        assert!(matches!(null, Answer::Found { value, .. } if value[0].host.is_empty()));
        let addresses = resolver.addresses("A.Example.test.").await;
        let expect: Vec<IpAddr> = vec!["192.0.2.1".parse().expect("an address")];
        assert!(matches!(addresses, Answer::Found { value, .. } if value == expect));
        let none = resolver.txt("example.test").await;
        assert_eq!(none, Answer::NoData { is_secure: false });
        let nobody = resolver.tlsa("nobody.test", 25).await;
        assert_eq!(nobody, Answer::NoData { is_secure: false });
        let nobody = resolver.mx("nobody.test").await;
        assert_eq!(nobody, Answer::NoName { is_secure: false });
        let ill = resolver.mx("ill.test").await;
        assert!(
            matches!(ill, Answer::Failed(DnsFailure::Server(_))),
            "{ill:?}"
        );
        let odd = resolver.mx(&"x".repeat(64)).await;
        assert_eq!(odd, Answer::NoName { is_secure: false });
    }
}

#[tokio::test]
async fn what_must_be_proven_and_is_not_is_no_answer() {
    let resolver = resolver(Dnssec::Validate).await;
    let forged = resolver.mx("example.test").await;
    assert_eq!(forged, Answer::Failed(DnsFailure::Bogus));
}
