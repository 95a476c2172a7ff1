"""Makes the point files in this folder: pip install numpy plyfile python-lzf, then run it here.

PLY comes from plyfile (one from numpy alone) and the compression of PCD from liblzf, not from what they test.
"""
import lzf
import numpy as np
from plyfile import PlyData, PlyElement

# 12 points: point i has property k at i + k / 8.
count = 12
gaussian = (["x", "y", "z", "nx", "ny", "nz"] + [f"f_dc_{k}" for k in range(3)]
            + [f"f_rest_{k}" for k in range(9)] + ["opacity"] + [f"scale_{k}" for k in range(3)]
            + [f"rot_{k}" for k in range(4)])
splats = np.zeros(count, [(name, "<f4") for name in gaussian])
for k, name in enumerate(gaussian):
    splats[name] = np.arange(count) + k / 8
PlyData([PlyElement.describe(splats, "vertex")], byte_order="<").write("splats.ply")

# Every type and lists of several lengths, three times.
kinds = {"a": "i1", "b": "u1", "c": "i2", "d": "u2", "e": "i4", "f": "u4", "g": "f4", "h": "f8"}
mixed = np.zeros(3, [("x", "f8"), ("neighbours", "O"), ("y", "f4"), ("z", "f4")]
                 + [(name, kind) for name, kind in kinds.items()])
mixed["x"] = [0.1, -1e300, 3]
mixed["y"] = [1 / 3, 2, -0.0]
mixed["neighbours"] = [np.array(v, "u2") for v in ([7], [], [1, 65535, 3])]
for name, kind in kinds.items():
    mixed[name] = (np.array([-1, 0, 1]) if "f" in kind else
                   [np.iinfo(kind).min, np.iinfo(kind).max, 5])
element = PlyElement.describe(mixed, "vertex", val_types={"neighbours": "u2"},
                              len_types={"neighbours": "u1"})
PlyData([element], text=True).write("mixed-ascii.ply")
PlyData([element], byte_order="<").write("mixed-little.ply")
# plyfile 1.1.5 writes single values beside lists in the machine's byte order whatever it says.
little = open("mixed-little.ply", "rb").read()
big = little[:little.index(b"end_header\n")].replace(b"little", b"big") + b"end_header\n"
for row in mixed:
    big += np.array(row["x"], ">f8").tobytes() + bytes([len(row["neighbours"])])
    big += row["neighbours"].astype(">u2").tobytes()
    big += b"".join(np.array(row[name], ">" + kind).tobytes()
                    for name, kind in {"y": "f4", "z": "f4", **kinds}.items())
open("mixed-big.ply", "wb").write(big)

# An organised cloud of 5 columns and 4 rows: x = column, y = row, z = 1 and NaN in place 3; rgb packed
# as PCL does; a field of three numbers; padding between fields.
rows = np.zeros(20, [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("rgb", "<u4"), ("_", "V2"),
                     ("moment", "<f8", 3), ("label", "<u2")])
rows["x"], rows["y"] = np.arange(20) % 5, np.arange(20) // 5
rows["z"] = 1
rows["z"][3] = np.nan
rows["rgb"] = (10 << 16) | (20 << 8) | (np.arange(20) + 100)
rows["moment"] = np.arange(60).reshape(20, 3) / 4
rows["label"] = 60000 + np.arange(20)


def header(kind, padding):
    pad = ("_ ", "1 ", "U ", "2 ") if padding else ("", "", "", "")
    return (f"# .PCD v.7 - Point Cloud Data file format\nVERSION .7\n"
            f"FIELDS x y z rgb {pad[0]}moment label\nSIZE 4 4 4 4 {pad[1]}8 2\n"
            f"TYPE F F F F {pad[2]}F U\nCOUNT 1 1 1 1 {pad[3]}3 1\nWIDTH 5\nHEIGHT 4\n"
            f"VIEWPOINT 1 2 3 0 1 0 0\nPOINTS 20\nDATA {kind}\n").encode()


open("grid-binary.pcd", "wb").write(header("binary", True) + rows.tobytes())
fields = b"".join(rows[name].tobytes() for name in ["x", "y", "z", "rgb", "moment", "label"])
packed = lzf.compress(fields)
open("grid-compressed.pcd", "wb").write(
    header("binary_compressed", False)
    + np.array([len(packed), len(fields)], "<u4").tobytes() + packed)
lines = [" ".join([f"{r['x']:g} {r['y']:g} {r['z']:g} {r['rgb'].view('<f4'):.9g}"]
                  + [f"{m:g}" for m in r["moment"]] + [str(r["label"])]) for r in rows]
open("grid-ascii.pcd", "wb").write(header("ascii", False) + "\r\n".join(lines).encode() + b"\n")

turns = np.linspace(0, 6, 12)
open("points.xyz", "w", newline="").write("# x y z r g b nx ny nz\r\n12\r\n" + "".join(
    f"{t:.3f} 2.5 -1e-2 {int(40 * t)} 0 255 {np.cos(t):.6f} {np.sin(t):.6f} 0\r\n" for t in turns))
