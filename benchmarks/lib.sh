# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
#
# Shared by the scripts of this folder; to be sourced by bash with `set -euo pipefail` in force.

source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

# use_known_blas_core: OpenBLAS takes its oldest kernels on a processor younger than itself, several
# times slower than the right ones. Names the newest ones that this processor can run instead, for
# nopal and for PyTorch alike, unless the environment already does.
use_known_blas_core() {
  [ -z "${OPENBLAS_CORETYPE:-}" ] || return 0
  local flags
  flags=" $(sed -n 's/^flags[[:space:]]*: //p' /proc/cpuinfo | head -n 1) "
  case $flags in
    *" avx512_bf16 "*) export OPENBLAS_CORETYPE=Cooperlake ;;
    *" avx512vl "*) export OPENBLAS_CORETYPE=SkylakeX ;;
    *" avx2 "*) export OPENBLAS_CORETYPE=Haswell ;;
  esac
}

# load_average: processes that wanted a core during the last minute. Figures taken while others
# compute are worth little.
load_average() { cut -d ' ' -f 1 /proc/loadavg; }
