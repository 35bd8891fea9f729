import Crypto
import CryptoExtras
import X509

/// The kinds of key that the authority makes.
public enum KeyKind: String, Sendable, CaseIterable {
  case rsa4096, rsa2048, p256

  /// The kind of a certificate's key; nil for one that this authority does not make.
  init?(of key: Certificate.PublicKey) {
    if let rsa = _RSA.Signing.PublicKey(key) {
      switch rsa.keySizeInBits {
      case 4096: self = .rsa4096
      case 2048: self = .rsa2048
      default: return nil
      }
    } else if P256.Signing.PublicKey(key) != nil {
      self = .p256
    } else {
      return nil
    }
  }

  /// True where making one takes seconds, of which a person wants to hear.
  public var isSlowToMake: Bool {
    switch self {
    case .rsa4096: true
    case .rsa2048, .p256: false
    }
  }

  var signatureAlgorithm: Certificate.SignatureAlgorithm {
    switch self {
    case .rsa4096, .rsa2048: .sha256WithRSAEncryption
    case .p256: .ecdsaWithSHA256
    }
  }
}

/// A private key and its PKCS#8 text.
struct SigningKey {
  let kind: KeyKind
  let key: Certificate.PrivateKey
  let pem: String

  static func make(_ kind: KeyKind) throws -> SigningKey {
    switch kind {
    case .rsa4096: try rsa(kind, .bits4096)
    case .rsa2048: try rsa(kind, .bits2048)
    case .p256: p256()
    }
  }

  private static func rsa(_ kind: KeyKind, _ size: _RSA.Signing.KeySize) throws -> SigningKey {
    let key = try _RSA.Signing.PrivateKey(keySize: size)
    return SigningKey(kind: kind, key: Certificate.PrivateKey(key), pem: key.pkcs8PEMRepresentation + "\n")
  }

  private static func p256() -> SigningKey {
    let key = P256.Signing.PrivateKey()
    return SigningKey(kind: .p256, key: Certificate.PrivateKey(key), pem: key.pemRepresentation + "\n")
  }
}
