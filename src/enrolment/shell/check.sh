
# ---- what is wrong here, in the words of dozo doctor

# finding ID SEVERITY WHAT WHY FIX: what find_... further below is made of.
finding() {
  found=yes
  [ "$2" = warning ] || failed=1
  printf '%s: %s (%s)\n  why: %s\n  fix: %s\n' "$2" "$3" "$1" "$4" "$5"
}

check() {
  dry=yes found='' reached='' missing='' is_enrolled=''
  if [ -n "$(recorded system)$(recorded person)" ]; then is_enrolled=yes; fi
  check_server
  # What enrolment would write has to be there; put looks, and writes nothing.
  enrol_files
  check_folders
  check_programs
  check_logins
  [ -n "$found" ] || say "Nothing is wrong: $registry answers, and is trusted by all that was found here."
}

check_server() {
  if ! have curl; then
    find_version_too_old curl "(not there)" 7.44 "Without it nothing can be asked of the registry." "install curl"
    return 0
  fi
  check_proxy
  mkdir "$work/none"
  printf '%s\n' "$ca" >"$work/ca.crt"
  set -- -gsSm15 -o "$work/answer" -D "$work/headers" -w '%{http_code}'
  # Nobody else's authority counts, not even the system's.
  if [ -n "$ca" ]; then set -- "$@" --cacert "$work/ca.crt" --capath "$work/none"; fi
  status=$(curl "$@" "https://$registry/v2/" 2>"$work/error")
  case $? in
    0) check_answer "$status" ;;
    5 | 6) find_name_unknown "$host" ;;
    7) check_way ;;
    28) find_port_silent "$registry" "$host" "$port" ;;
    51 | 58 | 60 | 77 | 83) check_certificate ;;
    *)
      if curl -gsm15 -o "$work/answer" "http://$registry/v2/" 2>/dev/null; then
        find_plain_http "$registry"
      else
        find_not_tls "$registry" "$(sed -n 's/^curl: ([0-9]*) //p' "$work/error")"
      fi
      ;;
  esac
  if have getent; then
    address=$(getent ahosts "$host" 2>/dev/null | awk '{ print $1; exit }')
    case $address in 127.* | ::1) find_name_is_loopback "$host" "$address" ;; esac
  fi
}

check_proxy() {
  for variable in HTTPS_PROXY https_proxy ALL_PROXY all_proxy; do
    eval "value=\${$variable:-}"
    [ -n "$value" ] || continue
    excepted=''
    for each in $(printf '%s' "${NO_PROXY:-${no_proxy:-}}" | tr , ' '); do
      each=${each#\*}
      each=${each#.}
      case $host in "${each%:*}" | *".${each%:*}") excepted=yes ;; esac
      [ "$each" != '' ] || excepted=yes
    done
    [ -n "$excepted" ] || find_proxy_in_the_way "$host" "$variable"
    return 0
  done
}

check_way() {
  reason=$(curl -gkvm15 "https://$registry/v2/" 2>&1 | grep -oiE 'no route to host|(network|host) is unreachable' | head -n 1)
  if [ -n "$reason" ]; then
    find_host_unreachable "$host" "$reason"
  else
    find_port_closed "$registry" "$host" "$port"
  fi
}

check_answer() {
  reached=yes
  check_clock
  challenge=$(sed -n 's/^[Ww][Ww][Ww]-[Aa]uthenticate: *//p' "$work/headers" | tr -d '\r' | head -n 1)
  case $1 in
    401) case $challenge in *realm=\"dozo\"*) ;; *) find_challenge_changed "$registry" "$challenge" ;; esac ;;
    500 | 502 | 503 | 504) "find_registry_fails_$1" "$registry" ;;
    *) find_not_a_registry "$registry" "$1" ;;
  esac
}

# Days since 1970 of a date are counted by hand: date -d is not everywhere.
check_clock() {
  theirs=$(sed -n 's/^[Dd]ate: *//p' "$work/headers" | tr -d '\r' | head -n 1 | awk '{
    month = (index("JanFebMarAprMayJunJulAugSepOctNovDec", $3) + 2) / 3
    year = $4 - (month <= 2)
    days = 365 * year + int(year / 4) - int(year / 100) + int(year / 400) + int((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + $2 - 719469
    split($5, time, ":")
    printf "%d", days * 1440 + time[1] * 60 + time[2]
  }')
  [ -n "$theirs" ] || return 0
  minutes=$(($(date +%s) / 60 - theirs))
  if [ "$minutes" -gt 60 ]; then find_clock_far_ahead "$minutes"
  elif [ "$minutes" -gt 5 ]; then find_clock_ahead "$minutes"
  elif [ "$minutes" -lt -60 ]; then find_clock_far_behind "${minutes#-}"
  elif [ "$minutes" -lt -5 ]; then find_clock_behind "${minutes#-}"; fi
}

check_certificate() {
  curl -gskm15 -o /dev/null -D "$work/headers" "https://$registry/v2/" && check_clock
  seen=$work/seen.pem
  if have openssl; then
    openssl s_client -connect "$bracketed:$port" -servername "$host" </dev/null 2>/dev/null | openssl x509 >"$seen" 2>/dev/null
  else
    : >"$seen"
  fi
  today=$(date -u +%Y-%m-%d)
  if grep -qi 'has expired' "$work/error"; then
    find_certificate_expired "$registry" "$(of_certificate -enddate)" "$today"
  elif grep -qi 'not yet valid' "$work/error"; then
    find_certificate_not_yet_valid "$registry" "$(of_certificate -startdate)" "$today"
  elif grep -qiE 'subject name|does not match' "$work/error"; then
    names=$(of_certificate -ext subjectAltName | sed -n 's/IP Address:\|DNS://gp' | sed 's/^ *//')
    find_certificate_for_other_names "$host" "${names:-other names}"
  else
    find_strange_issuer "$registry" "$(of_certificate -issuer)"
  fi
}

of_certificate() {
  if [ -s "$seen" ]; then openssl x509 -in "$seen" -noout "$1" | sed 's/^[a-zA-Z]*=//'; else echo "(openssl is not here to say more)"; fi
}

# Behind put: the text that should be in a file is in $work/text.
check_file() {
  if ! exists "$who" "$path"; then
    # Of a machine that was never enrolled one file says as much as all.
    if [ -n "$is_enrolled" ] || [ -z "$missing" ]; then find_nothing_trusts "$registry" "A client here ($why)" "$path"; fi
    missing=yes
  elif ! grep -q '^-----BEGIN CERTIFICATE' "$work/text"; then
    [ "$(contents "$who" "$path" | cksum)" = "$(cksum <"$work/text")" ] ||
      find_nothing_trusts "$registry" "A client here ($why)" "$path"
  elif [ ! -r "$path" ] || { [ "$who" = system ] && is_closed "$path"; }; then
    find_ca_unreadable "$path"
  elif ! grep -q '^-----BEGIN CERTIFICATE' "$path"; then
    find_ca_not_a_certificate "$path"
  elif ! holds_ca "$path"; then
    find_ca_wrong "$registry" "$path" "another certificate"
  fi
}

# A folder that podman takes instead of Docker's; answers yes where that has been judged here.
check_shadow() {
  [ "$mode" = check ] || return 1
  ls -1 "$1" >"$work/names" 2>/dev/null
  while IFS= read -r file; do
    case $file in *.crt) if holds_ca "$1/$file"; then return 0; fi ;; esac
  done <"$work/names"
  find_podman_shadowed "$1" "$etc/docker/certs.d/$spelling"
}

is_closed() { case $(ls -ldL "$1") in ???????r*) return 1 ;; esac }

# Whether every certificate of ours is in a file, whatever else is.
holds_ca() {
  tr -d '\r\n' <"$1" >"$work/flat" 2>/dev/null || return 1
  printf '%s\n' "$ca" | tr -d '\n' | sed 's/-----END CERTIFICATE-----/&\n/g' >"$work/wanted"
  while IFS= read -r certificate; do
    [ -z "$certificate" ] || grep -qF -- "$certificate" "$work/flat" || return 1
  done <"$work/wanted"
}

# Folders of Docker's kind that are nearly right.
check_folders() {
  right=$etc/docker/certs.d/$registry
  ls -1 "$etc/docker/certs.d" >"$work/names" 2>/dev/null
  while IFS= read -r folder; do
    case " $spellings " in *" $folder "*) continue ;; esac
    case $folder in "$bracketed" | "$bracketed:"* | "$host"*)
      if [ ! -e "$right/ca.crt" ] && holds_ca "$etc/docker/certs.d/$folder/ca.crt"; then
        find_ca_wrong_folder "$etc/docker/certs.d/$folder" "$right" "$registry"
      fi
      ;;
    esac
  done <"$work/names"
  for spelling in $spellings; do
    ls -1 "$etc/docker/certs.d/$spelling" >"$work/names" 2>/dev/null
    while IFS= read -r file; do
      case $file in *.cert) ;; *) continue ;; esac
      file=$etc/docker/certs.d/$spelling/$file
      if holds_ca "$file"; then
        find_ca_wrong_ending "$file" "${file%.cert}.crt"
      elif [ ! -e "${file%.cert}.key" ]; then
        find_client_key_missing "$file" "${file%.cert}.key"
      fi
    done <"$work/names"
  done
}

check_programs() {
  case ${DOCKER_HOST:-unix:} in unix:*) ;; *) ! have docker || find_docker_elsewhere "$DOCKER_HOST" ;; esac
  if have docker; then
    version=$(as person docker version -f '{{.Server.Version}}' 2>/dev/null)
    case $version in 0.* | 1.[0-9].*)
      find_version_too_old Docker "$version" 1.10 "Before it Docker does not know version 2 of the registry's protocol." "upgrade Docker" ;;
    esac
  fi
  for file in "$etc/docker/daemon.json" "$config/docker/daemon.json"; do
    if grep -q '"insecure-registries"' "$file" 2>/dev/null && grep -qF "\"$registry\"" "$file"; then
      find_insecure_registry "$registry" "$file" Docker
    fi
  done
  ls -1 "$etc/containers/registries.conf.d" >"$work/names" 2>/dev/null
  { echo ../registries.conf; cat "$work/names"; } >"$work/more"
  while IFS= read -r file; do
    file=$etc/containers/registries.conf.d/$file
    if [ -f "$file" ] && WANTED="\"$registry\"" awk '
      /^[ \t]*\[/ { ours = 0; insecure = 0 }
      /^[ \t]*location[ \t]*=/ && index($0, ENVIRON["WANTED"]) { ours = 1 }
      /^[ \t]*insecure[ \t]*=[ \t]*true/ { insecure = 1 }
      ours && insecure { found = 1 }
      END { exit !found }' "$file"; then
      find_insecure_registry "$registry" "$file" podman
    fi
  done <"$work/more"
}

check_logins() {
  if have docker; then
    check_docker_login
  elif have podman; then
    if ! as person podman login --get-login "$registry" >/dev/null 2>&1; then
      find_not_logged_in "$registry" podman
    elif [ -n "$reached" ] && [ "$failed" = 0 ] && ! is_logged_in podman; then
      find_login_refused "$registry" "$(as person podman login --get-login "$registry" 2>/dev/null)"
    fi
  fi
}

check_docker_login() {
  file=$docker_config/config.json
  fault=$(as person docker version 2>&1 | sed -n 's/^WARNING: Error loading config file: //p' | head -n 1)
  if [ -n "$fault" ]; then
    find_configuration_unreadable "$file" "$fault"
    return 0
  fi
  text=$(as person cat "$file" 2>/dev/null)
  helper=$(printf '%s\n' "$text" | sed -n 's/.*"credsStore"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/docker-credential-\1/p')
  if [ -n "$helper" ] && ! have "$helper"; then find_credential_helper_missing "$helper" "$file"; fi
  case $text in *"\"$registry\""*)
    if [ -n "$reached" ] && [ "$failed" = 0 ] && as person docker login "$registry" </dev/null 2>&1 | grep -qiE 'unauthorized|incorrect|401'; then
      find_login_refused "$registry" "(the one in $file)"
    fi
    return 0
    ;;
  esac
  for stored in "https://$registry" "$host" "$bracketed:$port" "$bracketed:443" "https://$host"; do
    case $text in *"\"$stored\""*) find_login_other_spelling "$registry" "$stored" "$file"; return 0 ;; esac
  done
  # A helper has its own list.
  [ -n "$helper" ] || find_not_logged_in "$registry" docker
}
