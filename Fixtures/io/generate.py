"""Makes the files in this folder: pip install numpy pillow trimesh, then run it here.

They come from other programs than the readers they test. Values are small and known.
"""
import json
import numpy as np
import trimesh
from PIL import Image, PngImagePlugin

# Pictures, 5 wide and 3 high.
y, x = np.mgrid[0:3, 0:5]
grey = (y * 70 + x * 11).astype(np.uint8)
rgb = np.stack([x * 50, y * 100, x * 10 + y], -1).astype(np.uint8)
Image.fromarray(grey).save("grey8.png")
Image.fromarray(rgb).save("rgb8.png")
Image.fromarray(np.dstack([rgb, 255 - grey])).save("rgba8.png")
Image.fromarray(np.dstack([grey, 255 - grey]), "LA").save("greyalpha8.png")
Image.fromarray((grey.astype(np.uint16) * 257 + 3)).save("grey16.png")
Image.fromarray((x + y) % 2 == 0).save("grey1.png")
palette = Image.fromarray(((x + y) % 4).astype(np.uint8), "P")
palette.putpalette([0, 0, 0, 255, 0, 0, 0, 128, 0, 10, 20, 255])
palette.save("palette.png", bits=2)
palette.save("palette-transparent.png", transparency=bytes([0, 128, 255, 64]))
info = PngImagePlugin.PngInfo()
info.add(b"gAMA", (100000).to_bytes(4, "big"))
Image.fromarray(rgb).save("gamma-linear.png", pnginfo=info)

# Cells, 3 along x, 2 along y, 5 along z: filled where x + 2 y + z is odd, and the plane z = 4. Runs of
# y, then z, then x; the long run of a second file needs more than one byte.
def binvox(filled, name, translate, scale):
    x, y, z = filled.shape
    data, cells = b"", filled.transpose(0, 2, 1).ravel()
    while len(cells):
        run = 1
        while run < min(255, len(cells)) and cells[run] == cells[0]:
            run += 1
        data, cells = data + bytes([int(cells[0]), run]), cells[run:]
    head = f"#binvox 1\ndim {x} {z} {y}\ntranslate {translate}\nscale {scale}\ndata\n"
    open(name, "wb").write(head.encode() + data)


i, j, k = np.mgrid[0:3, 0:2, 0:5]
binvox(((i + 2 * j + k) % 2 == 1) | (k == 4), "cells.binvox", "-0.5 0.25 1e0", "2.5")
binvox(np.mgrid[0:8, 0:8, 0:8][0] > 1, "half.binvox", "0 0 0", "1")

# Arrays.
values = np.arange(24, dtype=np.float64).reshape(2, 3, 4) / 8
for name, array in {
    "f4": values.astype("<f4"), "f8-big": values.astype(">f8"), "f2": values.astype("<f2"),
    "i4-fortran": np.asfortranarray(np.arange(24).reshape(2, 3, 4).astype("<i4")),
    "u1": np.arange(24, dtype=np.uint8).reshape(4, 6) + 230, "u2-big": np.array([1, 65535], ">u2"),
    "u8": np.array([2**62], "<u8"), "b1": np.array([True, False, True]), "scalar": np.float64(2.5),
    "empty": np.zeros((0, 3), np.float32), "complex": np.zeros(2, np.complex64),
}.items():
    np.save(f"{name}.npy", array)
np.savez("stored.npz", a=values, b=np.arange(3, dtype=np.int64))
np.savez_compressed("deflated.npz", a=values, b=np.arange(3, dtype=np.int64))
np.save("camera.npy", np.array([[2.7, 30, 0], [2.7, 30, -15], [3, -10, 105.5]], np.float32))

# Meshes: a unit cube's 8 corners and 12 triangles.
cube = trimesh.creation.box()
cube.visual.vertex_colors = (np.abs(cube.vertices + 0.5) * 255).astype(np.uint8)
for ending in ("off", "stl", "ply", "glb"):
    cube.export(f"cube.{ending}")
open("cube-ascii.ply", "w").write(cube.export(file_type="ply", encoding="ascii").decode())
open("cube-ascii.stl", "w").write(trimesh.exchange.stl.export_stl_ascii(cube))
scene = trimesh.Scene()
turn = trimesh.transformations.rotation_matrix(np.pi / 2, [0, 0, 1])
scene.add_geometry(cube, transform=trimesh.transformations.translation_matrix([10, 0, 0]) @ turn)
open("moved.glb", "wb").write(scene.export(file_type="glb"))
files = scene.export(file_type="gltf")
open("moved.gltf", "wb").write(files["model.gltf"])
for name, content in files.items():
    if name != "model.gltf":
        open(name, "wb").write(content)

open("views_par.txt", "w").write(
    "2\nfirst.png 1520.4 0 302.3 0 1525.9 246.8 0 0 1 1 0 0 0 1 0 0 0 1 0.1 0.2 0.3\n"
    "second.png 1500 2 300 0 1500 200 0 0 1 0 -1 0 1 0 0 0 0 1 -1 0 2.5e-3\n")
json.dump({
    "method": "mesh/example", "case": "example", "description": "a schema example",
    "conventions": {"rows": "top first"}, "tolerance": {"abs": 1e-9, "rel": 1e-6, "note": "none"},
    "provenance": "made by hand",
    "inputs": {"vertices": [[0.1, 1 / 3], [2e-17, -5]], "mask": [[True, False], [1, 0]],
               "ragged": [[1, 2], [3]], "mixed": [1, "a"], "absent": None, "size": 7,
               "parameters": {"sigma": 1e-4, "dist": "euclidean", "inner": {"k": [1]}}},
    "expected": {"image": [[[1, 2, 3]]], "flag": True},
}, open("vector.json", "w"))
