
# ---- the certificates of the whole system: only where a client reads nothing else, or on request

enrol_system_store() {
  if [ -n "$home_only" ]; then return 0; fi
  reason=''
  for program in helm crane ko oras cosign trivy; do
    if have "$program"; then reason="$reason, $program"; fi
  done
  if [ -n "$system_store" ]; then reason=", asked for"; fi
  [ -n "$reason" ] || return 0
  reason="the whole system: ${reason#, }"
  find_store
  case $store in
    none) note "This system's store of certificates is not known here. The CA certificate: $etc/docker/certs.d/$registry/ca.crt" ;;
    nixos)
      note "NixOS: add to configuration.nix, then sudo nixos-rebuild switch:"
      note "  security.pki.certificates = [ (builtins.readFile $etc/docker/certs.d/$registry/ca.crt) ];"
      ;;
    macos) enrol_keychain ;;
    *) enrol_anchors ;;
  esac
}

# By the folders that are there, not by the distribution's name.
find_store() {
  if [ "$os" = Darwin ]; then
    store=macos
  elif [ -e "$etc/NIXOS" ]; then
    store=nixos
  elif [ -d "$etc/pki/ca-trust/source/anchors" ]; then
    store=redhat anchors=$etc/pki/ca-trust/source/anchors ending=pem
  elif [ -d "$root/usr/local/share/ca-certificates" ] || { [ -e "$etc/ca-certificates.conf" ] && have update-ca-certificates; }; then
    store=debian anchors=$root/usr/local/share/ca-certificates ending=crt
  elif [ -d "$etc/ca-certificates/trust-source/anchors" ]; then
    store=arch anchors=$etc/ca-certificates/trust-source/anchors ending=crt
  elif [ -d "$etc/pki/trust/anchors" ]; then
    store=suse anchors=$etc/pki/trust/anchors ending=pem
  elif [ "$os" = FreeBSD ]; then
    store=freebsd anchors=$etc/ssl/certs ending=pem
  else
    store=none
  fi
}

# One certificate to a file: stores take no more.
enrol_anchors() {
  any_wrote='' count=0
  if [ -z "$dry" ] && [ -n "$has_system" ] && open_state system && ! recorded system | grep -qx "refresh $store"; then
    record system "refresh $store"
  fi
  printf '%s\n' "$ca" | awk -v to="$work/single" '/BEGIN/ { n++ } { print >(to n) }' || { no_room "$anchors/$name.$ending"; return; }
  while [ -e "$work/single$((count + 1))" ]; do
    count=$((count + 1))
    if [ "$count" = 1 ]; then anchor=$anchors/$name.$ending; else anchor=$anchors/$name-$count.$ending; fi
    put system "$anchor" "$reason" <"$work/single$count"
    [ -z "$wrote" ] || any_wrote=yes
  done
  if [ -n "$any_wrote" ] && [ -z "$dry" ]; then
    refresh_store "$store" enrol
    note "Programs that were running read the system's certificates once: restart those that should trust it (for Docker: sudo systemctl restart docker)."
  fi
}

refresh_store() {
  case $1 in
    debian | suse) if [ "$2" = undo ]; then set -- update-ca-certificates --fresh; else set -- update-ca-certificates; fi ;;
    redhat | arch) set -- update-ca-trust ;;
    freebsd) set -- certctl rehash ;;
    keychain) undo_keychain; return ;;
  esac
  if as system "$@" >"$work/error" 2>&1; then
    say "refreshed      the system's certificates ($1)"
    if [ "$*" = "update-ca-certificates --fresh" ]; then tell_other_stores; fi
  else
    cat "$work/error" >&2
    warn "$* failed"
  fi
}

# With --fresh nobody is told what went, and Java would trust it on. To a hook it is said in these words (update-ca-certificates(8)).
tell_other_stores() {
  as system sh -c 'for hook in "$1"/etc/ca-certificates/update.d/*; do
    [ ! -x "$hook" ] || printf "%s\n" "-/etc/ssl/certs/$2.pem" "-/etc/ssl/certs/$2-2.pem" | "$hook"
  done' sh "$root" "$name" >/dev/null 2>&1
}

enrol_keychain() {
  keychain=$home/Library/Keychains/login.keychain-db
  if security find-certificate -a -Z "$keychain" 2>/dev/null | tr 'A-F' 'a-f' | grep -q "$ca_sha256"; then
    say "there already  $keychain ($reason)"
    placed=yes
  elif [ -n "$dry" ]; then
    say "would change   $keychain ($reason)"
  else
    printf '%s\n' "$ca" >"$work/ca.crt"
    open_state person && record person "refresh keychain"
    if as person security add-trusted-cert -r trustRoot -k "$keychain" "$work/ca.crt"; then
      say "written        $keychain ($reason)"
      placed=yes
    else
      warn "not written    $keychain: macOS asks on its own screen, so run this there, not over ssh"
    fi
  fi
}

undo_keychain() {
  printf '%s\n' "$ca" >"$work/ca.crt"
  as person security remove-trusted-cert "$work/ca.crt"
  as person security delete-certificate -Z "$ca_sha256" "$home/Library/Keychains/login.keychain-db" && say "removed        the CA from the keychain"
}
