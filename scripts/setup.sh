# Set-up shared by ./dtbench, ./test.sh and scripts/: system packages, torch, build. Sourced by bash
# with $root, the source tree. Exit codes are the program's: 2 usage, 3 may work on another try,
# 4 will not work as asked, 130 interrupted.
# shellcheck shell=bash disable=SC2154  # root is the caller's

log=$root/build/setup.log
torch_choice=$root/build/torch-choice
minimum_torch=2.9
# shellcheck disable=SC2034  # for scripts/
shipped_architectures='80;86;89;90'
job=
need_python=
arrow=
plotly=

say() { printf 'dtbench: %s\n' "$*" >&2; }

# fail CODE MESSAGE [HINT...]
fail() {
  local code=$1
  printf 'dtbench: error: %s\n' "$2" >&2
  shift 2
  (($#)) && printf '  %s\n' "$@" >&2
  exit "$code"
}

on_interrupt() {
  trap '' INT TERM HUP
  [[ $job ]] && { kill -TERM -- "-$job" && wait "$job"; } 2>/dev/null
  say "interrupted; the next call discards partial results and resumes from here"
  exit 130
}

# begin: one set-up at a time in this tree, with a fresh log.
begin() {
  trap on_interrupt INT TERM HUP
  mkdir -p "$root/build" 2>/dev/null && [[ -w $root/build ]] ||
    fail 4 "cannot write to '$root/build', where dtbench is built" "Clone into a folder that you can write to."
  [[ ${HOME-} ]] || { unset HOME && export HOME=~; }
  cache=${DTBENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dtbench}
  mkdir -p "$cache" 2>/dev/null && [[ -w $cache ]] ||
    fail 2 "cannot write to the cache folder '$cache'" "Set DTBENCH_CACHE to a folder that you can write to."
  cache=$(cd -P -- "$cache" && pwd)
  lock "$root/build/.lock" "another set-up in this folder"
  build_lock=$lock
  : >"$log"
}

# end: releases what a program executed next must not inherit.
end() {
  unlock "$build_lock"
  trap - INT TERM HUP
}

# lock FILE WHOSE: waits for an exclusive lock; $lock is its descriptor. It ends with the process.
lock() {
  exec {lock}>"$1"
  flock --nonblock "$lock" && return
  say "waiting for $2 to finish"
  flock "$lock" || fail 3 "cannot lock '$1'"
}

unlock() {
  local descriptor=$1
  exec {descriptor}>&-
}

# try COMMAND...: runs it in a process group of its own, so that an interruption ends all of it,
# with its output in the log and its progress shown.
try() {
  printf '\n== %(%F %T)T: %s\n' -1 "$*" >>"$log"
  set -m
  (
    set +m -o pipefail
    "$@" </dev/null 2>&1 | follow
  ) &
  job=$!
  set +m
  local status=0
  wait "$job" || status=$?
  job=
  return "$status"
}

# require CODE MESSAGE HINT COMMAND...: try, or fail with the end of its output.
require() {
  local code=$1 message=$2 hint=$3
  shift 3
  try "$@" && return
  awk '/^== /{ n = 0 } { line[n++] = $0 } END { for (i = n > 40 ? n - 40 : 0; i < n; ++i) print line[i] }' \
    "$log" >&2
  fail "$code" "$message" "$hint" "Log: $log"
}

# follow: copies standard input to the log, and shows its last line and the time left on a terminal,
# a line now and then elsewhere.
follow() {
  local line shown=$SECONDS start=$SECONDS columns left
  columns=$(tput cols 2>/dev/null) || columns=80
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$log"
    left=
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] && ((SECONDS > start)); then
      left=$(((SECONDS - start) * (BASH_REMATCH[2] - BASH_REMATCH[1]) / BASH_REMATCH[1]))
      line="${BASH_REMATCH[0]} about $left s left ${line#*] }"
    fi
    if [[ -t 2 ]]; then
      printf '\r\033[K  %s' "${line:0:columns-3}" >&2
    elif ((SECONDS - shown >= 15)); then
      printf '  %s\n' "${line:0:100}" >&2
      shown=$SECONDS
    fi
  done
  [[ -t 2 ]] && printf '\r\033[K' >&2
  return 0
}

# --- System packages ---

# has_package NAME: whether what the Debian package brings is there, wherever it came from.
has_package() {
  case $1 in
    g++) command -v "${CXX:-g++}" ;;
    ninja-build) command -v ninja ;;
    cmake | git | python3) command -v "$1" ;;
    python3-venv) find_python ;;
    *) ! command -v dpkg-query || dpkg-query -W -f '${db:Status-Status}\n' "$1" | grep -qx installed ;;
  esac >/dev/null 2>&1
}

# install_packages FILE...: the packages named in requirements files that are missing.
install_packages() {
  local package missing=()
  while read -r package; do
    # A Python is only needed to install wheels, or to test.
    [[ $package == python3* && ! $need_python ]] && continue
    has_package "$package" || missing+=("$package")
  done < <(sed 's/[[:space:]]*#.*//; /^$/d' "$@")
  ((${#missing[@]})) || return 0
  local install="apt-get install -y --no-install-recommends ${missing[*]}"
  command -v apt-get >/dev/null ||
    fail 4 "packages are missing (Debian's names): ${missing[*]}" \
      "Install their equivalents on this system."
  ((EUID == 0)) ||
    fail 4 "system packages are missing: ${missing[*]}" "Install them: sudo $install"
  say "installing system packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  try apt-get update || say "apt-get update failed; trying the existing package lists"
  # shellcheck disable=SC2086  # words, on purpose
  require 3 "system packages could not be installed: ${missing[*]}" \
    "Check the network and /etc/apt, or install them yourself: $install" \
    ${install/install/-o DPkg::Lock::Timeout=600 install}
}

# --- Python, torch and Arrow ---

# find_python: prints a Python that has wheels of torch and can make virtual environments.
find_python() {
  local candidate
  for candidate in python3 /usr/bin/python3 python3.{14,13,12,11,10}; do
    "$candidate" -c 'import sys, venv, ensurepip
sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null || continue
    echo "$candidate"
    return
  done
  return 1
}

torch_version() {
  sed -nE "s/^__version__[^=]*= *['\"]([^'\"]+)['\"].*/\1/p" "$1/version.py" 2>/dev/null
}

# usable_torch FOLDER: whether it is a torch to build on; $unusable says why not.
usable_torch() {
  local version
  version=$(torch_version "$1")
  unusable=
  if [[ ! $version ]]; then
    unusable="'$1' is not a torch package"
  elif [[ $(printf '%s\n' "$minimum_torch" "$version" | sort -V | head -n 1) != "$minimum_torch" ]]; then
    unusable="torch $version is older than $minimum_torch"
  elif [[ ! -e $1/include/ATen/ATen.h || ! -e $1/lib/libtorch_cpu.so ]]; then
    unusable="torch $version in '$1' lacks include/ or lib/"
  fi
  [[ ! $unusable ]]
}

torch_of_python() {
  "$1" -c 'import torch; print(torch.__path__[0])' 2>>"$log" | tail -n 1
}

# find_torch: sets $torch to the folder of the torch to build on, or leaves it empty where the
# pinned one is to be installed. A choice once made in this tree stands until DTBENCH_TORCH asks for
# another or the pin changes.
find_torch() {
  local pin chosen='' chosen_pin=''
  pin=$(sed -n 's/^torch==//p' "$root/requirements/torch.txt")
  if [[ ${DTBENCH_TORCH-} ]]; then
    torch=$DTBENCH_TORCH
    if [[ ! -d $torch ]]; then
      torch=$(torch_of_python "$torch") && [[ $torch ]] ||
        fail 2 "DTBENCH_TORCH must be a Python that can import torch, or a torch package's folder;
  got '$DTBENCH_TORCH'" "Unset it, and set-up finds or installs one."
    fi
    torch=$(cd -P -- "$torch" && pwd)
    usable_torch "$torch" || fail 2 "DTBENCH_TORCH: $unusable" \
      "Name torch $minimum_torch or newer, installed from its wheel, or unset DTBENCH_TORCH."
    choose_torch ''
    return
  fi
  [[ -r $torch_choice ]] && { read -r chosen && read -r chosen_pin; } <"$torch_choice"
  if [[ $chosen && (! $chosen_pin || $chosen_pin == "$pin") ]] && usable_torch "$chosen"; then
    torch=$chosen
    return
  fi
  torch=$(command -v python3 >/dev/null && torch_of_python python3)
  if [[ $torch ]]; then
    usable_torch "$torch" && choose_torch '' && return
    say "not using python3's torch: $unusable"
  fi
  torch=
}

# choose_torch PIN: remembers $torch, and the pin it was installed for.
choose_torch() {
  printf '%s\n' "$torch" "$1" >"$torch_choice.new" && mv -f "$torch_choice.new" "$torch_choice"
  say "building on torch $(torch_version "$torch") in $torch"
}

# install_torch cpu|whole: the pinned torch, once for all clones. cpu is what the engine needs without a
# GPU; whole adds, in the same place, what it needs with one and what Python needs to import torch.
install_torch() {
  local requirements=$root/requirements/torch.txt python
  python=$(find_python)
  name_venv venv "$python" "$requirements"
  if [[ $1 == whole ]]; then
    fill_venv .complete "$python" -r "$requirements"
  elif [[ ! -e $venv/.complete ]]; then
    fill_venv .complete-cpu "$python" --no-deps -r "$requirements" -r "$root/requirements/torch-cpu.txt"
  fi
  torch=$(echo "$venv"/lib/python3.*/site-packages/torch)
  usable_torch "$torch" || fail 4 "$unusable" "Remove '$venv' and try again."
  choose_torch "$(sed -n 's/^torch==//p' "$requirements")"
}

# torch_is_whole: whether $torch is more than install_torch cpu brings.
torch_is_whole() {
  local folder=$torch/../../../..
  [[ -e $folder/.complete || ! -e $folder/.complete-cpu ]]
}

# make_venv PREFIX PYTHON REQUIREMENTS [SITE]: sets $venv to a virtual environment in the cache with
# these requirements, which also sees the packages in the folder SITE.
make_venv() {
  name_venv "$@"
  site=${4-} fill_venv .complete "$2" -r "$3"
}

# name_venv PREFIX PYTHON REQUIREMENTS [SITE]: sets $venv to its folder, whose name holds a hash of
# what make_venv would put there.
name_venv() {
  local prefix=$1 python=$2 requirements=$3 site=${4-} key
  key=$({
    sed 's/[[:space:]]*#.*//; /^$/d' "$requirements"
    "$python" -c 'import sys, sysconfig; print(sys.version_info[:2], sysconfig.get_platform())'
    printf '%s\n' "$site"
  } | sha256sum)
  venv=$cache/$prefix-${key:0:16}
}

# fill_venv MARKER PYTHON ARGUMENT...: has pip install into $venv what the arguments say, and makes it
# see the folder $site, if set. The marker, written last, tells what is complete from what is half-made.
fill_venv() {
  local marker=$venv/$1 python=$2 what
  shift 2
  [[ -e $marker && -x $venv/bin/python ]] && return
  lock "$venv.lock" "another set-up of '$venv'"
  local venv_lock=$lock
  if [[ ! -e $marker || ! -x $venv/bin/python ]]; then
    what=$(for what; do [[ -f $what ]] && cat "$what"; done | sed 's/[;#].*//; /^ *$/d' | paste -sd ' ')
    say "installing $what into $venv"
    if [[ ! -x $venv/bin/python ]] || ! compgen -G "$venv/.complete*" >/dev/null; then
      rm -rf "$venv"
      require 4 "could not create a virtual environment in '$venv'" \
        "Check that '$python -m venv' works there." "$python" -m venv "$venv"
    fi
    mkdir -p "$venv/.tmp" # /tmp is often too small for torch
    require 3 "could not install $what" \
      "Check the network and the space in '$cache' (torch needs 8 GB, without a GPU 2 GB; pyarrow 0.2 GB),
  then try again." \
      env -u PYTHONPATH -u PYTHONHOME TMPDIR="$venv/.tmp" "$venv/bin/python" -m pip install \
      --no-cache-dir --disable-pip-version-check --progress-bar off "$@"
    rm -rf "$venv/.tmp"
    [[ ${site-} ]] && printf '%s\n' "$site" >"$(echo "$venv"/lib/python3.*/site-packages)/torch-in-use.pth"
    touch "$marker"
  fi
  unlock "$venv_lock"
}

# make_test_venv: $venv with requirements/test.txt beside $torch, for the Python that torch is for.
make_test_venv() {
  local candidate version
  version=$(compgen -G "$torch/_C.cpython-3*" | sed -nE 's/.*_C\.cpython-3([0-9]+).*/3.\1/p' | head -n 1)
  for candidate in "$torch/../../../../bin/python3" python3 /usr/bin/python3 "python$version"; do
    "$candidate" -c 'import sys, venv, ensurepip
sys.exit(sys.argv[1] != "%d.%d" % sys.version_info[:2])' "$version" 2>/dev/null || continue
    make_venv test "$candidate" "$root/requirements/test.txt" "${torch%/*}"
    return
  done
  fail 4 "the tests need venv for the Python of torch in '$torch' (version ${version:-unknown})"
}

# find_arrow: sets $arrow to the folder of the pinned pyarrow, whose libraries read Parquet,
# installed once for all clones.
find_arrow() {
  local requirements=$root/requirements/arrow.txt python
  python=$(find_python) || fail 4 "installing pyarrow needs Python 3.10 to 3.14 with venv and pip"
  make_venv arrow "$python" "$requirements"
  arrow=$(echo "$venv"/lib/python3.*/site-packages/pyarrow)
  [[ -e $arrow/include/parquet/arrow/reader.h ]] ||
    fail 4 "'$arrow' has no C++ headers" "Remove '$venv' and try again."
}

# find_plotly: sets $plotly to the script that draws reports' plots, from the pinned plotly, installed
# once for all clones.
find_plotly() {
  local requirements=$root/requirements/plotly.txt python
  python=$(find_python) || fail 4 "installing plotly needs Python 3.10 to 3.14 with venv and pip"
  make_venv plotly "$python" "$requirements"
  plotly=$(echo "$venv"/lib/python3.*/site-packages/plotly/package_data/plotly.min.js)
  [[ -e $plotly ]] || fail 4 "'$plotly' does not exist" "Remove '$venv' and try again."
}

# find_if_any arrow|plotly WITHOUT: the same, but where the wheel is not available, as on a machine
# without a network, the build continues without it and says what that costs: WITHOUT.
find_if_any() {
  if (
    trap on_interrupt INT TERM HUP
    need_python=yes # to install the wheel
    install_packages "$root/requirements/apt.txt"
    "find_$1"
  ); then
    "find_$1"
  else
    say "continuing without $2; once the wheel is available, 'rm ${stamp#"$root/"}' and ./dtbench add it"
  fi
}

# --- Build ---

# find_cuda auto|always: sets $cuda to OFF, or to ON where nvcc is found and (auto) a GPU is seen;
# DTBENCH_CUDA decides where it is set. $cuda_architectures: the GPU's, or the default.
find_cuda() {
  local nvcc capability
  cuda=OFF cuda_architectures=86
  case ${DTBENCH_CUDA-} in
    0 | OFF | off) return ;;
    1 | ON | on | '') ;;
    *) fail 2 "DTBENCH_CUDA must be 1 or 0, got '$DTBENCH_CUDA'" ;;
  esac
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1)
  [[ $capability =~ ^[0-9]+\.[0-9]+$ ]] && cuda_architectures=${capability/./}
  [[ $1 == always || ${DTBENCH_CUDA-} || -e /dev/nvidia0 || $capability ]] || return 0
  nvcc=$(PATH=$PATH:${CUDA_HOME:+$CUDA_HOME/bin:}/usr/local/cuda/bin command -v nvcc) ||
    if [[ ${DTBENCH_CUDA-} ]]; then
      fail 4 "DTBENCH_CUDA asks for the CUDA plug-in, but nvcc was not found" \
        "Install the CUDA toolkit for torch's CUDA version, or put nvcc on PATH."
    else
      [[ $1 == always ]] || say "found a GPU but no nvcc: building without the CUDA plug-in"
      return 0
    fi
  export CUDACXX=${CUDACXX:-$nvcc}
  cuda=ON
}

# build_jobs: prints how many compilers fit the processors and the memory (2 GB for torch's headers).
build_jobs() {
  local jobs fit
  jobs=$(nproc)
  fit=$(awk '/^MemAvailable:/ { print int($2 / 2000000) }' /proc/meminfo 2>/dev/null)
  ((${fit:-1} < jobs)) && jobs=${fit:-1}
  echo $((jobs > 0 ? jobs : 1))
}

# use_ccache: clones share what they compile, where ccache is installed. Paths below the clone do not
# count, since what is compiled does not depend on where the clone lies.
use_ccache() {
  command -v ccache >/dev/null || return 0
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
  export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
  # The precompiled header is known by its content.
  export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
}

# configure PRESET [FOLDER] [OPTION...]: on $torch, $arrow and $plotly, of which the last two may be
# empty, into FOLDER instead of the preset's, if not empty.
configure() {
  local preset=$1 folder=${2:-$root/build/$1}
  shift "$(($# < 2 ? $# : 2))"
  # A build folder that was moved with its tree is of no use.
  if [[ -e $folder/CMakeCache.txt ]] &&
    ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt"; then
    rm -rf "$folder"
  fi
  use_ccache
  say "configuring ${folder#"$root/"}"
  require 4 "configuring failed" "The lines above show what is missing." \
    cmake -S "$root" --preset "$preset" -B "$folder" -DDTBENCH_TORCH_DIR="$torch" \
    -DDTBENCH_ARROW_DIR="$arrow" -DDTBENCH_PLOTLY_JS="$plotly" "$@"
}

# build FOLDER [TARGET...]
build() {
  local folder=$1 jobs
  shift
  jobs=$(build_jobs)
  say "building ${*:-everything} in ${folder#"$root/"} ($jobs jobs; log: $log)"
  require 4 "building failed" "The lines above show where." \
    cmake --build "$folder" --parallel "$jobs" ${1+--target "$@"}
}

# set_up_build cpu|whole FILE...: $torch, of which cpu needs a part where it must be installed, and the
# system packages that the files name.
set_up_build() {
  local part=$1
  shift
  find_torch
  [[ $torch && $part == whole ]] && ! torch_is_whole && torch=
  [[ $torch ]] || need_python=yes
  install_packages "$@"
  [[ $torch ]] || install_torch "$part"
}

# set_up_release: what ./dtbench needs to run; build_key and $stamp are the launcher's.
set_up_release() {
  begin
  find_cuda auto
  local part=cpu
  [[ $cuda == ON ]] && part=whole
  set_up_build "$part" "$root/requirements/apt.txt"
  find_if_any arrow "pyarrow's wheel: this build cannot read or write Parquet"
  find_if_any plotly "plotly's wheel: reports of this build have no plots"
  local key
  key=$(build_key)
  if [[ ! -r $stamp || ! -x $program || $(<"$stamp") != "$key" ]]; then
    configure release '' -DDTBENCH_CUDA="$cuda" -DDTBENCH_CUDA_ARCHITECTURES="$cuda_architectures"
    local targets=(dtbench dtbench_hub_plugin dtbench-engine)
    if [[ $arrow ]]; then
      targets+=(dtbench_parquet dtbench_parquet_writer)
    else
      rm -f "$root"/build/release/bin/libdtbench_parquet*.so
    fi
    if [[ $cuda == ON ]]; then
      targets+=(dtbench_cuda)
    else
      rm -f "$root/build/release/bin/libdtbench_cuda.so" # the engine would load a stale one
    fi
    build "$root/build/release" "${targets[@]}"
    printf '%s\n' "$key" >"$stamp.new" && mv -f "$stamp.new" "$stamp"
  fi
  end
}
