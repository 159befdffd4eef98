# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the small files of this folder, laid out as published data sets are, with NumPy, SciPy and
h5py (Debian: python3-scipy, python3-h5py). Entries follow from their indices (value()), so that the
tests need no second copy of them.

Usage: python3 make_published.py [FOLDER]
"""
import io
import os
import sys
import zipfile

import h5py
import numpy as np
import scipy.io

folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))


def value(kind, *shape):
    """kind + 0.1 * first index + 0.01 * second + ... (an index counts modulo 10)"""
    result = np.full(shape, float(kind))
    for axis, n in enumerate(shape):
        step = 10.0 ** -(axis + 1) * (np.arange(n) % 10)
        result += step.reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return result


def at(name):
    return os.path.join(folder, name)


# Darcy flow of the FNO paper: MATLAB 7 (compressed) and 6 (not), other arrays beside the two.
darcy = {"coeff": value(1, 3, 5, 4), "sol": value(2, 3, 5, 4), "title": "Darcy", "cells": np.array(
    ["a", 1.0], dtype=object), "z": np.array([1 + 2j])}
scipy.io.savemat(at("fno_darcy_v7.mat"), darcy, do_compression=True)
scipy.io.savemat(at("fno_darcy_v6.mat"), darcy, do_compression=False)
# Numbers in the smallest type that holds them, and truths.
scipy.io.savemat(at("types.mat"), {
    "i8": np.array([[-1, 2], [3, -4]], np.int8), "u16": np.array([[1, 60000]], np.uint16),
    "i64": np.array([[-(2**40), 7]], np.int64), "f32": np.array([[0.5, 0.25]], np.float32),
    "truth": np.array([[True, False, True]]), "one": np.array([[3.0]])})

# Navier-Stokes of the FNO paper: MATLAB 7.3, which is HDF5 with the axes in reverse.
with h5py.File(at("fno_navier_stokes_v73.mat"), "w", userblock_size=512) as f:
    for name, array in (("a", value(1, 3, 4, 5)), ("u", value(2, 3, 4, 5, 6)),
                        ("t", np.arange(6.0).reshape(1, 6))):
        d = f.create_dataset(name, data=np.ascontiguousarray(array.transpose()), chunks=True,
                             compression="gzip")
        d.attrs["MATLAB_class"] = np.bytes_("double")
with open(at("fno_navier_stokes_v73.mat"), "r+b") as f:
    f.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, laid out by h5py".ljust(124) + b"\x00\x02IM")

# PDEBench.
with h5py.File(at("pdebench_darcy.hdf5"), "w") as f:
    f["nu"] = value(1, 3, 4, 5).astype("f4")
    f["tensor"] = value(2, 3, 1, 4, 5).astype("f4")
    f["x-coordinate"] = np.linspace(0.125, 0.875, 4)
    f["y-coordinate"] = np.linspace(0.1, 0.9, 5)
    f.attrs["beta"] = 1.0
with h5py.File(at("pdebench_1d.hdf5"), "w") as f:
    f["tensor"] = value(1, 4, 6, 8).astype("f4")
    f["x-coordinate"] = np.linspace(0, 0.875, 8)
    f["t-coordinate"] = np.linspace(0, 1.2, 7)
with h5py.File(at("pdebench_cfd.hdf5"), "w") as f:
    for kind, name in enumerate(("Vx", "Vy", "density", "pressure")):
        f[name] = value(kind, 3, 5, 4, 6).astype("f4")
with h5py.File(at("pdebench_incompressible.h5"), "w") as f:
    f["velocity"] = value(1, 2, 5, 4, 4, 2).astype("f4")
    f["particles"] = value(2, 2, 5, 4, 4, 1).astype("f4")
    f["force"] = value(3, 2, 4, 4, 2).astype("f4")
    f["t"] = np.zeros((2, 5))
with h5py.File(at("pdebench_groups.h5"), "w") as f:
    for seed in range(3):
        f[f"{seed:04d}/data"] = value(seed, 5, 4, 6, 2).astype("f4")
        f[f"{seed:04d}/grid/x"] = np.linspace(-1, 1, 4)
        f[f"{seed:04d}/grid/y"] = np.linspace(-2, 2, 6)
        f[f"{seed:04d}/grid/t"] = np.linspace(0, 5, 5)

# The Well.
with h5py.File(at("the_well.hdf5"), "w") as f:
    f.attrs["dataset_name"] = "a_small_one"
    f.attrs["grid_type"] = "cartesian"
    f.attrs["n_spatial_dims"] = 2
    f.attrs["n_trajectories"] = 2
    f.attrs["simulation_parameters"] = ["nu"]
    f.attrs["nu"] = 0.01
    d = f.create_group("dimensions")
    d.attrs["spatial_dims"] = ["x", "y"]
    d["time"] = np.linspace(0, 1, 5)
    d["x"] = np.linspace(0, 1, 3)
    d["y"] = np.linspace(0, 2, 4)

    def field(group, name, array, sample, time, dims):
        d = group.create_dataset(name, data=array.astype("f4"))
        d.attrs["sample_varying"] = sample
        d.attrs["time_varying"] = time
        d.attrs["dim_varying"] = np.array(dims)

    t0 = f.create_group("t0_fields")
    t0.attrs["field_names"] = ["pressure", "depth", "profile"]
    field(t0, "pressure", value(1, 2, 5, 3, 4), True, True, [True, True])
    field(t0, "depth", value(2, 2, 3, 4), True, False, [True, True])
    field(t0, "profile", value(3, 4), False, False, [False, True])
    t1 = f.create_group("t1_fields")
    t1.attrs["field_names"] = ["velocity"]
    field(t1, "velocity", value(4, 2, 5, 3, 4, 2), True, True, [True, True])
    t2 = f.create_group("t2_fields")
    t2.attrs["field_names"] = ["stress"]
    field(t2, "stress", value(5, 2, 5, 3, 4, 2, 2), True, True, [True, True])

# DeepXDE's archives, and fields by name.
np.savez_compressed(at("fields.npz"), inputs=value(1, 4, 6).astype("f4"), outputs=value(2, 4, 6),
                    note=np.array("text"))
np.savez(at("stored.npz"), x=value(1, 4, 3, 5), y=np.asfortranarray(value(2, 4, 3, 5)))
# One axis of space or two: x (6, 8), y (6, 8, 3).
np.savez_compressed(at("unclear.npz"), x=value(1, 6, 8), y=value(2, 6, 8, 3))


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def archive(name, *entries):
    with zipfile.ZipFile(at(name), "w", zipfile.ZIP_DEFLATED) as z:
        for entry, contents in entries:
            z.writestr(zipfile.ZipInfo(entry), contents, zipfile.ZIP_DEFLATED)


# An array twice; one of 8 TB without data.
archive("twice.npz", ("x.npy", npy(value(1, 3, 4))), ("y.npy", npy(value(2, 3, 4))),
        ("x.npy", npy(value(3, 1, 1))))
claim = npy(np.zeros((1, 1))).replace(b"(1, 1), }" + 13 * b" ", b"(1, 1099511627776), }" + b" ")[:128]
assert b"1099511627776" in claim and len(claim) == 128, claim
archive("claims.npz", ("x.npy", npy(value(1, 3, 4))), ("y.npy", claim))
# A byte above 127 behind a name.
with h5py.File(at("names.h5"), "w") as f:
    f.create_dataset("kind", data=np.array([0, 200, 7], "u1"),
                     dtype=h5py.enum_dtype({"air": 0, "steel": 200, "water": 7}, basetype="u1"))
