# Install rules and package files: find_package(nopal) and pkg-config nopal.
