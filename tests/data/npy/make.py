# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the golden files of tests/unit/npy_test.cpp: python3 make.py, with NumPy 1.24."""
import numpy as np

values = np.arange(12).reshape(2, 3, 2)
for t in "f4 f8 i1 i2 i4 i8 u1 u2 u4".split():
    a = (values if t[0] == "u" else values - 5).astype("<" + t) * (0.5 if t[0] == "f" else 1)
    a = a.astype("<" + t)
    np.save(t, a)
    np.save(t + "_fortran", np.asfortranarray(a))
np.save("b1", values % 3 == 0)
np.save("scalar", np.float64(2.5))
np.save("line", np.arange(3, dtype="<f4"))
np.save("empty", np.zeros((0, 4), "<f4"))
np.save("big_endian", values.astype(">f4"))
np.save("complex", values.astype("<c8"))
np.save("record", np.zeros(2, [("a", "<f4")]))
for major in (2, 3):
    with open(f"version{major}.npy", "wb") as f:
        np.lib.format.write_array(f, (values - 5).astype("<f8"), version=(major, 0))
