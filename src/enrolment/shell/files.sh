
# ---- writing files, and taking them back

# What was made or changed stands in a list, in order: "folder PATH", "made N PATH", "changed N PATH", "refresh STORE" and
# "login PROGRAM". Beside it N.ours is what was written, N.before what was there.
state_folder() {
  if [ "$1" = system ]; then printf '%s\n' "$system_state/$registry"; else printf '%s\n' "$state/dozo-enroll/$registry"; fi
}

exists() {
  [ -e "$2" ] || [ -L "$2" ] || { [ -z "$dry$home_only" ] && [ "$1" = system ] && [ "$uid" != 0 ] && as system test -e "$2"; }
}

# Root reads nothing of another person's: a link of his could lead anywhere.
contents() {
  if [ "$1" = person ] && [ -n "$is_other" ]; then
    as person cat -- "$2"
  elif [ -r "$2" ]; then
    cat -- "$2"
  elif [ -z "$dry$home_only" ]; then
    as "$1" cat -- "$2"
  fi
}

# Standard input becomes the file, or stands at its end; where there is no room for all of it, the file stays as it was.
keep_as() { as "$1" sh -c 'umask 077; cat >"$1.new" && mv -f -- "$1.new" "$1" || { rm -f -- "$1.new"; exit 1; }' sh "$2"; }
append_to() {
  as "$1" sh -c '{ { [ ! -e "$1" ] || cat -- "$1"; } && cat; } >"$1.new" && mv -f -- "$1.new" "$1" ||
    { rm -f -- "$1.new"; exit 1; }' sh "$2"
}
record() { printf '%s\n' "$2" | append_to "$1" "$(state_folder "$1")/list"; }
recorded() { if exists "$1" "$(state_folder "$1")/list"; then contents "$1" "$(state_folder "$1")/list"; fi; }

# The number under which a file is recorded; nothing for one that is not.
number_of() {
  recorded "$1" | WANTED=$2 awk '$1 == "made" || $1 == "changed" { n = $2; sub(/^[a-z]+ [0-9]+ /, ""); if ($0 == ENVIRON["WANTED"]) print n }'
}

open_state() {
  opened=$(state_folder "$1")
  if exists "$1" "$opened/list"; then
    lock "$1" && keep_script "$1"
    return
  fi
  : >"$work/folders"
  parent=$opened
  until exists "$1" "$parent"; do
    printf 'folder %s\n' "$parent" | cat - "$work/folders" >"$work/more" && mv "$work/more" "$work/folders"
    parent=$(dirname "$parent")
  done
  as "$1" mkdir -p "$opened" && as "$1" chmod 755 "$opened" && lock "$1" && append_to "$1" "$opened/list" <"$work/folders" &&
    keep_script "$1"
}

# For --undo where the registry is stopped, is gone or has another key. Everybody may read it, so that who enrolled with sudo can
# run it as he did before. Piped into a shell it is no file, and is not kept.
keep_script() {
  case $kept_for in *" $1 "*) return 0 ;; esac
  kept_for="$kept_for $1 "
  if tail -n 1 -- "$0" 2>/dev/null | grep -qxF "$script_end"; then
    kept_script=$(state_folder "$1")/enroll.sh
    if exists "$1" "$kept_script" && [ "$(contents "$1" "$kept_script" | cksum)" = "$(cksum <"$0")" ]; then return 0; fi
    keep_as "$1" "$kept_script" <"$0" && as "$1" chmod 644 "$kept_script"
  fi
}

# How to take it all back without asking the registry for anything.
undo_words() {
  for who in system person; do
    kept_script=$(state_folder "$who")/enroll.sh
    if [ "$who" = system ] && [ -n "$home_only" ]; then continue; fi
    if exists "$who" "$kept_script"; then
      printf "%s: sh '%s' --undo%s\n" "with or without the registry" "$(printf '%s' "$kept_script" | sed "s/'/'\\\\''/g")" "${home_only:+ --home}"
      return 0
    fi
  done
  echo "run the same line with --undo behind it."
}

# One run at a time works on a list: two would take each other's work for what was there before.
lock() {
  case $locked in *" $1 "*) return 0 ;; esac
  if [ -n "$dry" ]; then return 0; fi
  running=$(state_folder "$1")/running
  if as "$1" mkdir -- "$running" 2>/dev/null; then
    locked="$locked $1 "
  elif exists "$1" "$running"; then
    warn "Another run is at work here. Where none is, one was killed: remove the folder $running"
    exit 1
  fi
}

unlock() {
  for locked_by in $locked; do as "$locked_by" rmdir -- "$(state_folder "$locked_by")/running" 2>/dev/null; done
  locked=''
}

make_folder() {
  if exists "$1" "$2"; then return 0; fi
  make_folder "$1" "$(dirname "$2")" || return 1
  record "$1" "folder $2" || return 1
  if [ "$1" = system ]; then as system mkdir -m 755 "$2"; else as person mkdir -m 700 "$2"; fi
}

# put WHO PATH WHAT-FOR: standard input becomes the file, whole or not at all. Afterwards wrote says whether it was news.
put() {
  who=$1 path=$2 why=$3 wrote=''
  if [ "$who" = system ] && [ -n "$home_only" ]; then return 0; fi
  cat >"$work/text" || { no_room "$path"; return 1; }
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
    placed=yes
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
    wrote=''
    warn "not written    $path ($why)"
    return 1
  fi
  placed=yes
  say "written        $path ($why)"
}

# Not through a pipe: what put says in wrote and failed would be lost there.
put_ca() {
  wrote=''
  printf '%s\n' "$ca" >"$work/ca" || { no_room "$2"; return 1; }
  put "$1" "$2" "$3" <"$work/ca"
}

# Half a text is never put anywhere.
no_room() { warn "not written    $1: its text could not be made in $work; is there room?"; }

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
      as "$who" cp -p -- "$path" "$folder/$number.before" && record "$who" "changed $number $path" || return 1
    else
      record "$who" "made $number $path" || return 1
    fi
  fi
  # First what will be ours, so that a run that ends in between can be taken back.
  keep_as "$who" "$folder/$number.ours" <"$work/text" || return 1
  # What is changed keeps its owner and its mode.
  as "$who" sh -c '{ if [ -e "$1" ]; then cp -p -- "$1" "$1.dozo-new"; else : >"$1.dozo-new" && chmod 644 "$1.dozo-new"; fi &&
    cat >"$1.dozo-new" && mv -f -- "$1.dozo-new" "$1"; } || { rm -f -- "$1.dozo-new"; exit 1; }' sh "$path" <"$work/text"
}

undo() {
  listed=''
  for who in person system; do
    if [ "$who" = system ] && [ -n "$home_only" ]; then continue; fi
    folder=$(state_folder "$who")
    if ! recorded "$who" >"$work/list" || ! sed '1!G;h;$!d' "$work/list" >"$work/reversed"; then
      warn "not taken back: $folder/list could not be read into $work; is there room?"
      continue
    fi
    [ -s "$work/list" ] || continue
    listed=yes
    if [ "$who" = system ] && [ "$uid" != 0 ] && [ -z "$dry" ] && ! { have sudo && as system true; }; then
      warn "not taken back: what is in $folder/list needs root; run this as root"
      continue
    fi
    lock "$who"
    left='' kept=''
    while IFS= read -r line <&3; do undo_line "$line" || kept=yes; done 3<"$work/reversed"
    [ -z "$dry" ] || continue
    unlock
    if [ -n "$kept" ]; then
      warn "What could not be taken back is listed in $folder/list."
      printf '%s' "$left" | as "$who" sh -c 'cat >"$1.new" && mv -f -- "$1.new" "$1"' sh "$folder/list"
    else
      as "$who" sh -c 'rm -f -- "$1"/*.ours "$1"/*.before "$1"/*.new "$1"/enroll.sh "$1"/list' sh "$folder"
    fi
    # The folders of this list come last, when it is gone.
    sed -n 's/^folder //p' "$work/reversed" | while IFS= read -r path; do
      as "$who" rmdir -- "$path" 2>/dev/null || :
    done
  done
  if [ -z "$listed" ] && [ "$failed" = 0 ]; then say "Nothing that was enrolled here for $registry is left."; fi
}

# What stays is gathered in left, in the order of the list. Of root's, nothing is done on the word of a list that is a person's.
undo_line() {
  kind=${1%% *} rest=${1#* }
  case $kind in
    made | changed)
      number=${rest%% *} path=${rest#* }
      undo_file && return 0
      keep_line "$1"
      return 1
      ;;
    folder) keep_line "$1" ;;
    refresh)
      if [ "$who" = person ] && [ "$rest" != keychain ]; then return 0; fi
      if [ -n "$dry" ]; then say "would refresh  the system's certificates"; else refresh_store "$rest" undo; fi
      ;;
    login) undo_login "$rest" ;;
  esac
}

keep_line() {
  left="$1
$left"
}

undo_file() {
  if ! exists "$who" "$path"; then
    if [ "$kind" = made ]; then remove_unfinished; return 0; fi
  elif [ "$kind" = changed ] && [ -z "$dry" ] && is_same_as "$folder/$number.before"; then
    remove_unfinished
    return 0
  elif ! is_same_as "$folder/$number.ours"; then
    before='nothing was there before'
    [ "$kind" = made ] || before="what was there before is $folder/$number.before"
    warn "left as it is  $path: it was changed since; $before"
    return 1
  fi
  if [ "$kind" = made ]; then
    if [ -n "$dry" ]; then say "would remove   $path"; return 0; fi
    as "$who" rm -f -- "$path" && say "removed        $path"
  else
    if [ -n "$dry" ]; then say "would restore  $path"; return 0; fi
    as "$who" sh -c '{ cp -p -- "$2" "$1.dozo-new" && mv -f -- "$1.dozo-new" "$1"; } || { rm -f -- "$1.dozo-new"; exit 1; }' \
      sh "$path" "$folder/$number.before" && say "restored       $path"
  fi
}

# Who only looks may not be able to read what was kept, and takes it for the same.
is_same_as() { { [ -n "$dry" ] && [ ! -r "$1" ]; } || [ "$(contents "$who" "$path" | cksum)" = "$(contents "$who" "$1" | cksum)" ]; }

# What a run left that was ended between two steps.
remove_unfinished() {
  if [ -z "$dry" ]; then as "$who" rm -f -- "$path.dozo-new"; fi
}
