
# ---- what was asked for, and who asks

usage() {
  cat <<END
enroll: makes this machine trust $registry, and logs in.

  --dry-run          show every file that would be written, and write none
  --undo             take back all that it made or changed here
  --check            find what is wrong between this machine and the registry, and write nothing
  --home             write into the home folder only, for who may not become root
  --system-store     trust it in the whole system, not in container tools alone
  --fix-containerd   correct containerd's config_path too
  --user NAME        log in as NAME
  --password-stdin   read the password from standard input
  --no-login         write the files only
  --ca               print the CA certificate, and do nothing else
  -h, --help         show this
END
}

read_options() {
  mode=enrol dry='' system_store='' fix_containerd='' login=yes user='' password='' password_stdin='' home_only=''
  while [ $# -gt 0 ]; do
    case $1 in
      --dry-run) dry=yes ;;
      --undo) mode=undo ;;
      --check) mode=check ;;
      --home) home_only=yes ;;
      --system-store) system_store=yes ;;
      --fix-containerd) fix_containerd=yes ;;
      --user) [ $# -gt 1 ] || wrong_use "--user needs a name"; user=$2; shift ;;
      --password-stdin) password_stdin=yes ;;
      --no-login) login='' ;;
      --ca) mode=ca ;;
      -h | --help) usage; exit 0 ;;
      *) wrong_use "enroll does not know $1" ;;
    esac
    shift
  done
  if [ -n "$password_stdin" ] && [ -z "$user" ]; then wrong_use "--password-stdin needs --user NAME"; fi
}

wrong_use() {
  printf '%s\n\n' "$1" >&2
  usage >&2
  exit 2
}

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; failed=1; }
have() { command -v "$1" >/dev/null 2>&1; }
# Said at the end: what has to be done by hand.
note() { printf '%s\n' "$*" >>"$work/notes"; }
note_by_hand() {
  note "$2. With the CA certificate in ca.crt (--ca behind the line prints it):"
  lines_by_hand "$1" | sed 's/^/  /' >>"$work/notes"
}

# Who the registry's user is: not root, where somebody came here through sudo.
find_person() {
  uid=$(id -u) person=$(id -un) home=${HOME:-/} config=${XDG_CONFIG_HOME:-} runtime=${XDG_RUNTIME_DIR:-}
  state=${XDG_STATE_HOME:-} docker_config=${DOCKER_CONFIG:-} is_other=''
  if [ "$uid" = 0 ] && [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ] && have sudo; then
    is_other=yes person=$SUDO_USER config='' state='' docker_config=''
    home=$(home_of "$person")
    runtime=/run/user/$(id -u "$person")
    if [ -z "$home" ]; then warn "The home folder of $person is not known."; exit 1; fi
  fi
  [ -d "$runtime" ] || runtime=''
  [ -n "$config" ] || config=$home/.config
  [ -n "$state" ] || state=$home/.local/state
  [ -n "$docker_config" ] || docker_config=$home/.docker
  os=$(uname -s)
  case $home$config$state$docker_config in
    *"
"*) warn "The home folder's name has a line break in it, which the list of what is written cannot hold."; exit 1 ;;
  esac
  case $os in
    Darwin) etc=$root/etc system_state=$root/var/db/dozo-enroll ;;
    FreeBSD) etc=$root/usr/local/etc system_state=$root/var/db/dozo-enroll ;;
    *) etc=$root/etc system_state=$root/var/lib/dozo-enroll ;;
  esac
  has_system=''
  if [ "$uid" = 0 ] || have sudo; then has_system=yes; fi
}

# Before anything is written: half of it would be none. macOS asks for root where it is needed, and for most it is not.
may_write() {
  if [ "$uid" = 0 ] || [ -n "$dry$home_only" ] || [ -z "$ca" ] || [ "$os" = Darwin ]; then return 0; fi
  if [ -n "$has_system" ] && as system true; then return 0; fi
  warn "Nothing was written: what the whole machine trusts needs root."
  warn "Run this as root; or, for yourself alone (podman, buildah, skopeo, Docker without root), the same line with --home behind it."
  return 1
}

home_of() {
  if have getent; then
    getent passwd "$1" | cut -d: -f6
  elif have dscl; then
    dscl . -read "/Users/$1" NFSHomeDirectory | sed 's/^NFSHomeDirectory: //'
  else
    WHO=$1 awk -F: '$1 == ENVIRON["WHO"] { print $6 }' /etc/passwd
  fi
}

# as system COMMAND..., as person COMMAND...: root's files are touched by root, the person's by the person.
as() {
  as_whom=$1
  shift
  if [ "$as_whom" = system ]; then
    if [ "$uid" = 0 ]; then "$@"; else sudo -- "$@"; fi
  elif [ -n "$is_other" ]; then
    sudo -H -u "$person" -- env ${runtime:+"XDG_RUNTIME_DIR=$runtime"} "$@"
  else
    "$@"
  fi
}
