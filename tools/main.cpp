// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "session.hpp"

int main(int argc, char** argv) {
  return nopal::tools::run(argc, argv);
}
