
# ---- the login, as the person, and a pull to see that it works

# run_login PROGRAM COMMAND...: docker and podman keep their own logins; the others read one of theirs.
log_in() {
  : >"$work/programs"
  if have docker && docker_is_enrolled && docker_answers; then echo docker >>"$work/programs"; fi
  if have podman; then echo podman >>"$work/programs"; fi
  if [ ! -s "$work/programs" ]; then
    for program in nerdctl skopeo buildah crane oras helm; do
      if have "$program"; then note "Log in: $(login_line "$program")"; break; fi
    done
    return 0
  fi
  if [ -n "$dry" ]; then
    while read -r program <&4; do say "would run      $(login_line "$program")"; done 4<"$work/programs"
    return 0
  fi
  while read -r program <&4; do log_in_with "$program"; done 4<"$work/programs"
}

login_line() {
  case $1 in
    helm) printf 'helm registry login %s%s\n' "${user:+-u $user }" "$registry" ;;
    crane) printf 'crane auth login %s%s\n' "${user:+-u $user }" "$registry" ;;
    *) printf '%s login %s%s\n' "$1" "${user:+-u $user }" "$registry" ;;
  esac
}

# A daemon of the whole machine reads nothing of a home folder.
docker_is_enrolled() {
  if [ -z "$home_only" ] || [ -z "$ca" ] || [ -n "$docker_at_home" ] || [ -e "$etc/docker/certs.d/$registry/ca.crt" ]; then return 0; fi
  note "Docker still does not trust $registry: its daemon reads no home folder. For Docker, the same line without --home, as root."
  return 1
}

# The daemon does Docker's login: who may not speak to it, logs in the way that he works.
docker_answers() {
  if as person docker version >/dev/null 2>&1; then return 0; fi
  if [ -n "$dry" ]; then return 0; fi
  if [ -z "$home_only" ] && as system docker version >/dev/null 2>&1; then note "Log in (Docker needs root here): sudo docker login $registry"; else note "Docker does not run. When it does: docker login $registry"; fi
  return 1
}

log_in_with() {
  if is_logged_in "$1"; then
    stored=$(stored_user "$1")
    if [ -n "$user" ] && [ -n "$stored" ] && [ "$stored" != "$user" ]; then
      warn "not logged in  $1: $stored is logged in here. To be $user: $1 logout $registry, then the same again"
      return 0
    fi
    say "logged in      $1 (already)"
    try_pull "$1"
    return 0
  fi
  if ! ask_who; then
    note "Log in: $(login_line "$1")"
    return 0
  fi
  before=''
  if [ -e "$(login_file "$1")" ]; then before=" with others"; fi
  if printf '%s' "$password" | as person "$1" login --username "$user" --password-stdin "$registry" >"$work/said" 2>&1; then
    open_state person && { recorded person | grep -q "^login $1" || record person "login $1$before"; }
    say "logged in      $1, as $user"
    try_pull "$1"
  else
    cat "$work/said" >&2
    warn "not logged in  $1. Try again: $(login_line "$1")"
  fi
}

login_file() {
  if [ "$1" = podman ]; then
    if [ -n "${REGISTRY_AUTH_FILE:-}" ]; then printf '%s\n' "$REGISTRY_AUTH_FILE"; elif [ -n "$runtime" ]; then printf '%s\n' "$runtime/containers/auth.json"; else printf '%s\n' "/run/containers/$(as person id -u)/auth.json"; fi
  else
    printf '%s\n' "$docker_config/config.json"
  fi
}

# By asking the registry with what is stored, not by looking for it alone.
is_logged_in() {
  as person cat "$(login_file "$1")" 2>/dev/null | grep -qF "\"$registry\"" || return 1
  as person "$1" login "$registry" </dev/null >/dev/null 2>&1
}

# Who is logged in; nothing where a helper keeps the login to itself.
stored_user() {
  as person cat "$(login_file "$1")" 2>/dev/null | tr -d '[:space:]' | WANTED="\"$registry\":{\"auth\":\"" awk '{
    at = index($0, ENVIRON["WANTED"])
    if (!at) exit
    rest = substr($0, at + length(ENVIRON["WANTED"]))
    code = substr(rest, 1, index(rest, "\"") - 1)
    for (i = 1; i <= length(code); i++) {
      value = index("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", substr(code, i, 1)) - 1
      if (value < 0) exit
      bits = bits * 64 + value
      count += 6
      if (count < 8) continue
      count -= 8
      byte = int(bits / 2 ^ count)
      bits -= byte * 2 ^ count
      if (byte == 58) exit
      printf "%c", byte
    }
  }'
}

# The name and the password, once for all programs; from the terminal, wherever standard input leads.
ask_who() {
  [ -z "${password:-}" ] || return 0
  if [ -n "$password_stdin" ]; then
    password=$(cat)
  else
    # In a shell of its own: some end when a redirection of : fails.
    (: >/dev/tty) 2>/dev/null || return 1
    if [ -z "$user" ]; then
      printf 'User of %s: ' "$registry" >/dev/tty
      IFS= read -r user </dev/tty || return 1
    fi
    # Silent before it asks: who types at once is not to be read either.
    stty -echo </dev/tty 2>/dev/null
    printf 'Password of %s: ' "$user" >/dev/tty
    IFS= read -r password </dev/tty
    stty echo </dev/tty 2>/dev/null
    printf '\n' >/dev/tty
  fi
  [ -n "$user" ] && [ -n "$password" ]
}

# A name that nobody has pushed: the registry says so to somebody whom it let in, over a connection that was trusted.
try_pull() {
  if as person "$1" pull "$registry/dozo-enroll/no-such-image:none" >"$work/said" 2>&1; then return 0; fi
  if grep -qiE 'manifest unknown|not found|name unknown|does not exist' "$work/said" && ! grep -qiE 'x509|unauthorized|no basic auth' "$work/said"; then
    say "pulls work     $1 (the registry answered that it has no such image, as it should)"
  else
    cat "$work/said" >&2
    warn "no pull        $1 cannot pull from $registry"
  fi
}

undo_login() {
  program=${1%% *}
  if [ -n "$dry" ]; then say "would log out  $program"; return 0; fi
  as person "$program" logout "$registry" >/dev/null 2>&1
  say "logged out     $program"
  login_file=$(login_file "$program")
  # What the login made goes too, where nothing else is in it.
  if [ "$1" = "$program" ] && [ "$(as person cat "$login_file" 2>/dev/null | tr -d '[:space:]')" = '{"auths":{}}' ]; then
    as person rm -f -- "$login_file"
  fi
}
