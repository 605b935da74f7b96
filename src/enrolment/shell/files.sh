
# ---- writing files, and taking them back

# What was made or changed stands in a list, in order: "folder PATH", "made N PATH", "changed N PATH", "refresh STORE" and
# "login PROGRAM". Beside it N.ours is what was written, N.before what was there.
state_folder() {
  if [ "$1" = system ]; then printf '%s\n' "$system_state/$registry"; else printf '%s\n' "$state/dozo-enroll/$registry"; fi
}

exists() {
  [ -e "$2" ] || [ -L "$2" ] || { [ -z "$dry$home_only" ] && [ "$1" = system ] && [ "$uid" != 0 ] && as system test -e "$2"; }
}

contents() {
  if [ -r "$2" ]; then cat -- "$2"; elif [ -z "$dry$home_only" ]; then as "$1" cat -- "$2"; fi
}

append_to() { as "$1" sh -c 'cat >>"$1"' sh "$2"; }
record() { printf '%s\n' "$2" | append_to "$1" "$(state_folder "$1")/list"; }
recorded() { if exists "$1" "$(state_folder "$1")/list"; then contents "$1" "$(state_folder "$1")/list"; fi; }

# The number under which a file is recorded; nothing for one that is not.
number_of() {
  recorded "$1" | WANTED=$2 awk '$1 == "made" || $1 == "changed" { n = $2; sub(/^[a-z]+ [0-9]+ /, ""); if ($0 == ENVIRON["WANTED"]) print n }'
}

open_state() {
  opened=$(state_folder "$1")
  if exists "$1" "$opened/list"; then return 0; fi
  : >"$work/folders"
  parent=$opened
  until exists "$1" "$parent"; do
    printf 'folder %s\n' "$parent" | cat - "$work/folders" >"$work/more" && mv "$work/more" "$work/folders"
    parent=$(dirname "$parent")
  done
  as "$1" mkdir -p "$opened" && as "$1" chmod 755 "$opened" && append_to "$1" "$opened/list" <"$work/folders"
}

make_folder() {
  if exists "$1" "$2"; then return 0; fi
  make_folder "$1" "$(dirname "$2")" || return 1
  record "$1" "folder $2"
  if [ "$1" = system ]; then as system mkdir -m 755 "$2"; else as person mkdir -m 700 "$2"; fi
}

# put WHO PATH WHAT-FOR: standard input becomes the file, whole or not at all. Afterwards wrote says whether it was news.
put() {
  who=$1 path=$2 why=$3 wrote=''
  if [ "$who" = system ] && [ -n "$home_only" ]; then return 0; fi
  cat >"$work/text"
  if [ -L "$path" ] && target=$(readlink -f "$path" 2>/dev/null); then path=$target; fi
  if [ "$mode" = check ]; then
    check_file
    return 0
  fi
  if [ "$who" = system ] && [ -z "$has_system" ] && [ -z "$dry" ]; then
    warn "not written    $path ($why): that needs root; run this as root"
    return 1
  fi
  if exists "$who" "$path" && [ "$(contents "$who" "$path" | cksum)" = "$(cksum <"$work/text")" ]; then
    say "there already  $path ($why)"
    return 0
  fi
  wrote=yes
  if [ -n "$dry" ]; then
    if grep -qxF -- "$path" "$work/shown"; then return 0; fi
    printf '%s\n' "$path" >>"$work/shown"
    if exists "$who" "$path"; then say "would change   $path ($why)"; else say "would write    $path ($why)"; fi
    show_text
    return 0
  fi
  if ! write_text; then
    warn "not written    $path ($why)"
    return 1
  fi
  say "written        $path ($why)"
}

# Not through a pipe: what put says in wrote and failed would be lost there.
put_ca() {
  printf '%s\n' "$ca" >"$work/ca"
  put "$1" "$2" "$3" <"$work/ca"
}

show_text() {
  if grep -q '^-----BEGIN CERTIFICATE' "$work/text"; then say "                 the CA certificate"; else sed 's/^/                 /' "$work/text"; fi
}

write_text() {
  open_state "$who" || return 1
  make_folder "$who" "$(dirname "$path")" || return 1
  number=$(number_of "$who" "$path")
  folder=$(state_folder "$who")
  if [ -z "$number" ]; then
    number=$(recorded "$who" | awk '($1 == "made" || $1 == "changed") && $2 > most { most = $2 } END { print most + 1 }')
    if exists "$who" "$path"; then
      as "$who" cp -p -- "$path" "$folder/$number.before" || return 1
      record "$who" "changed $number $path"
    else
      record "$who" "made $number $path"
    fi
  fi
  # What is changed keeps its owner and its mode.
  as "$who" sh -c 'if [ -e "$1" ]; then cp -p -- "$1" "$1.dozo-new"; else : >"$1.dozo-new" && chmod 644 "$1.dozo-new"; fi &&
    cat >"$1.dozo-new" && mv -f -- "$1.dozo-new" "$1"' sh "$path" <"$work/text" || return 1
  as "$who" sh -c 'umask 077; cat >"$1"' sh "$folder/$number.ours" <"$work/text"
}

undo() {
  for who in person system; do
    if [ "$who" = system ] && [ -n "$home_only" ]; then continue; fi
    recorded "$who" >"$work/list"
    [ -s "$work/list" ] || continue
    folder=$(state_folder "$who") kept=''
    : >"$work/kept"
    sed '1!G;h;$!d' "$work/list" >"$work/reversed"
    while IFS= read -r line <&3; do undo_line "$line" || kept=yes; done 3<"$work/reversed"
    [ -z "$dry" ] || continue
    if [ -n "$kept" ]; then
      warn "What could not be taken back is listed in $folder/list."
      sed '1!G;h;$!d' "$work/kept" | as "$who" sh -c 'cat >"$1"' sh "$folder/list"
    else
      as "$who" sh -c 'rm -f -- "$1"/*.ours "$1"/*.before "$1"/list' sh "$folder"
    fi
    # The folders of this list come last, when it is gone.
    sed '1!G;h;$!d' "$work/list" | sed -n 's/^folder //p' | while IFS= read -r path; do
      as "$who" rmdir -- "$path" 2>/dev/null || :
    done
  done
}

undo_line() {
  kind=${1%% *} rest=${1#* }
  case $kind in
    made | changed)
      number=${rest%% *} path=${rest#* }
      undo_file && return 0
      printf '%s\n' "$1" >>"$work/kept"
      return 1
      ;;
    folder) printf '%s\n' "$1" >>"$work/kept" ;;
    refresh) if [ -n "$dry" ]; then say "would refresh  the system's certificates"; else refresh_store "$rest" undo; fi ;;
    login) undo_login "$rest" ;;
  esac
}

undo_file() {
  if ! exists "$who" "$path"; then
    [ "$kind" = changed ] || return 0
  elif [ "$(contents "$who" "$path" | cksum)" != "$(contents "$who" "$folder/$number.ours" | cksum)" ]; then
    warn "left as it is  $path: it was changed since; what was there before is $folder/$number.before"
    return 1
  fi
  if [ "$kind" = made ]; then
    if [ -n "$dry" ]; then say "would remove   $path"; return 0; fi
    as "$who" rm -f -- "$path" && say "removed        $path"
  else
    if [ -n "$dry" ]; then say "would restore  $path"; return 0; fi
    as "$who" sh -c 'cp -p -- "$2" "$1.dozo-new" && mv -f -- "$1.dozo-new" "$1"' sh "$path" "$folder/$number.before" && say "restored       $path"
  fi
}
