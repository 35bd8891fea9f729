# Sourced, not run. Certificates as Puppet's own authority makes them: a root, an authority below it, RSA-4096 both, a
# revocation list for each, and one client.

key_kinds=(rsa2048 rsa4096 p256)
declare -A key_names=([rsa2048]=RSA-2048 [rsa4096]=RSA-4096 [p256]=P-256)

# new_key KIND FILE
new_key() {
  case $1 in
  rsa*) openssl genrsa -out "$2" "${1#rsa}" 2>/dev/null ;;
  p256) openssl ecparam -genkey -name prime256v1 -noout -out "$2" ;;
  esac
}

# signed NAME CA EXTENSIONS: NAME.pem for NAME.key, signed by CA.
signed() {
  openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -set_serial "0x$(openssl rand -hex 8)" -days 30 \
    -extfile <(printf '%s\n' "$3") -out "$1.pem" 2>/dev/null
}

# revocations CA: CA.crl.pem, with a few hundred certificates that are no longer good.
revocations() {
  local index
  for ((index = 1; index <= 300; index++)); do
    printf 'R\t400101000000Z\t250101000000Z\t%04X\tunknown\t/CN=gone-%d\n' $((4096 + index)) "$index"
  done >"$1.index"
  printf '[ca]\ndefault_ca = it\n[it]\ndatabase = %s.index\ndefault_md = sha256\n' "$1" >"$1.cnf"
  openssl ca -config "$1.cnf" -gencrl -keyfile "$1.key" -cert "$1.pem" -crldays 30 -out "$1.crl.pem" 2>/dev/null
}

# make_certificates: in $work/tls; once.
make_certificates() {
  [[ ! -e $work/tls/done ]] || return 0
  mkdir -p "$work/tls"
  (
    cd "$work/tls"
    local kind authority='basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign'
    new_key rsa4096 root.key
    openssl req -new -x509 -key root.key -subj '/CN=Bench root' -days 30 -out root.pem -addext keyUsage=critical,keyCertSign,cRLSign
    new_key rsa4096 authority.key
    signed authority root "$authority"
    revocations root
    revocations authority
    cat authority.pem root.pem >ca.pem
    cat authority.crl.pem root.crl.pem >crl.pem
    for kind in "${key_kinds[@]}"; do
      new_key "$kind" "$kind.key"
      signed "$kind" authority subjectAltName=DNS:localhost
      cat "$kind.pem" authority.pem >"$kind.chain.pem"
      cat "$kind.chain.pem" "$kind.key" >"$kind.both.pem"
    done
    new_key rsa2048 agent.key
    signed agent authority extendedKeyUsage=clientAuth
    touch done
  )
}
