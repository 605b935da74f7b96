
# ---- from here it runs

enrol_files() {
  [ -n "$ca" ] || return 0
  enrol_docker
  enrol_podman
  enrol_desktops
  enrol_buildkit
  enrol_containerd
  enrol_k3s
  enrol_local_clusters
  enrol_system_store
}

main() {
  set -uf
  umask 022
  PATH=$PATH:/usr/local/bin:/usr/sbin:/sbin
  failed=0 locked='' placed='' kept_for='' docker_at_home='' wrote='' any_wrote='' desktop_restart=''
  read_options "$@"
  if [ "$mode" = ca ]; then
    printf '%s\n' "$ca"
    exit 0
  fi
  work=$(mktemp -d) || exit 1
  trap 'unlock; rm -rf "$work"' 0
  trap 'stty echo 2>/dev/null </dev/tty; exit 130' 1 2 15
  : >"$work/notes"
  : >"$work/shown"
  find_person
  if [ "$mode" = undo ]; then
    undo
    exit "$failed"
  fi
  if [ "$mode" = check ]; then
    check
    exit "$failed"
  fi
  may_write || exit 1
  enrol_files
  if [ -n "$login" ]; then
    if [ -n "$desktop_restart" ]; then note "Log in: docker login $registry"; else log_in; fi
  fi
  cat "$work/notes"
  if [ -n "$ca" ] && [ -z "$placed$dry" ] && [ "$failed" = 0 ]; then warn "Nothing was found here that could be made to trust $registry."; fi
  if [ "$failed" = 0 ] && [ -z "$dry" ]; then say "$registry is trusted here. To take it all back, $(undo_words)"; fi
  exit "$failed"
}
