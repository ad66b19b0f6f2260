#!/bin/sh
# Self-signed certificates with different signature algorithms, by openssl.
set -eu
make() { name=$1; shift; openssl req -x509 -nodes -days 3650 -subj "/CN=$name" -keyout /dev/null -out "$name.crt" "$@" 2>/dev/null; }
make rsa-sha1 -newkey rsa:2048 -sha1
make rsa-sha384 -newkey rsa:2048 -sha384
make ecdsa-sha512 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -sha512
make ed25519 -newkey ed25519
