# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
#
# Shared by the scripts of this folder; to be sourced by bash with `set -euo pipefail` in force:
#
#   source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
#   ensure_packages                         # scripts/packages.txt, or the lists given as arguments
#   configure_and_build release nopal_tool  # preset, then targets (none: everything)
#   run_mpi 2 build/release/tools/nopal ... # ranks, command

nopal_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# nopal_jobs: cores to build with. nproc obeys OMP_NUM_THREADS, which is set below for the tests.
nopal_jobs() { env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc; }

# say TEXT: a heading in the script's output.
say() { printf '\n== %s\n' "$*"; }

# die TEXT: one line on standard error, exit code 1.
die() {
  printf '%s: error: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# listed_packages FILE...: the package names in the lists, without comments.
listed_packages() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$@" | awk '{print $1}' | sort -u; }

# missing_packages FILE...: those of the listed Debian packages that are not installed.
missing_packages() {
  local package
  for package in $(listed_packages "$@"); do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      printf '%s\n' "$package"
  done
}

# missing_elsewhere: what a system other than Debian lacks, by what the build looks for.
missing_elsewhere() {
  local item
  for item in c++ cmake ninja pkg-config mpiexec; do
    command -v "$item" >/dev/null || printf 'program %s\n' "$item"
  done
  command -v pkg-config >/dev/null || return 0
  for item in PETSc fftw3 fftw3f openblas libpng libzip zlib eigen3 nlohmann_json; do
    pkg-config --exists "$item" || printf 'library %s (pkg-config)\n' "$item"
  done
}

# ensure_packages [FILE...]: on Debian 12 installs the listed packages that are missing (through
# sudo when not root); on any other system lists what is missing and stops.
ensure_packages() {
  [ $# -gt 0 ] || set -- "$nopal_root/scripts/packages.txt"
  local id='' version='' missing=''
  if [ -r /etc/os-release ]; then
    id=$(. /etc/os-release && printf '%s' "${ID:-}")
    version=$(. /etc/os-release && printf '%s' "${VERSION_ID:-}")
  fi
  if ! command -v dpkg-query >/dev/null || [ -n "${NOPAL_FOREIGN_SYSTEM:-}" ]; then
    missing=$(missing_elsewhere)
    [ -z "$missing" ] && return 0
    printf 'Missing on this system:\n%s\n' "$missing" >&2
    die "install what is listed above (and Kokkos 3.4 or newer, parallel HDF5), then run again"
  fi
  missing=$(missing_packages "$@" | tr '\n' ' ')
  [ -z "$missing" ] && return 0
  if [ "$id" != debian ] || [ "$version" != 12 ]; then
    printf 'Missing packages, by their names on Debian 12:\n%s\n' "$missing" >&2
    die "this script installs packages on Debian 12 only; install the ones above, then run again"
  fi
  say "Installing $missing"
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "not root and no sudo; ask for: apt-get install $missing"
    sudo=(sudo)
  fi
  "${sudo[@]}" apt-get update -qq || die "apt-get update failed"
  # shellcheck disable=SC2086  # a list of words
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    $missing >/dev/null || die "apt-get install failed for: $missing"
}

# configure_and_build PRESET [-DNAME=VALUE...] [TARGET...]: CMake configure and build of a preset
# into build/PRESET; without targets everything is built.
configure_and_build() {
  local preset=$1 definitions=() targets=() argument
  shift
  for argument in "$@"; do
    case $argument in
      -D*) definitions+=("$argument") ;;
      *) targets+=("$argument") ;;
    esac
  done
  local build=(cmake --build --preset "$preset" -j "${NOPAL_BUILD_JOBS:-$(nopal_jobs)}")
  [ ${#targets[@]} -eq 0 ] || build+=(--target "${targets[@]}")
  (
    cd "$nopal_root"
    cmake --preset "$preset" "${definitions[@]}" >/dev/null || die "configuring failed"
    "${build[@]}" || die "the build failed"
  )
}

# Open MPI as root, in a container, with more ranks than cores and without ssh; one BLAS thread a
# rank. Other MPI libraries ignore these.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_MCA_hwloc_base_binding_policy=none
command -v ssh >/dev/null || export OMPI_MCA_plm_rsh_agent=
export OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}" OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

# run_mpi RANKS COMMAND...: the command on so many ranks.
run_mpi() {
  local ranks=$1
  shift
  mpiexec -n "$ranks" "$@"
}
