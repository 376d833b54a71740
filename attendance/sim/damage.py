"""What happens to a card's picture between the card and the camera: seeded functions from image to image."""

from collections.abc import Callable

import cv2
import numpy as np

from attendance.vision.frames import Image

Damage = Callable[[Image, np.random.Generator], Image]


def _bytes(values: np.ndarray) -> Image:
    clipped: Image = np.clip(values, 0, 255).astype(np.uint8)
    return clipped


def blur(image: Image, rng: np.random.Generator) -> Image:
    return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.8, 1.5))


def motion(image: Image, rng: np.random.Generator) -> Image:
    length = int(rng.integers(3, 6))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    return cv2.filter2D(image, -1, kernel)


def noise(image: Image, rng: np.random.Generator) -> Image:
    return _bytes(image + rng.normal(0, rng.uniform(10, 25), image.shape))


def low_light(image: Image, rng: np.random.Generator) -> Image:
    return _bytes(image * rng.uniform(0.2, 0.4) + rng.normal(0, 4, image.shape))


def over_exposed(image: Image, rng: np.random.Generator) -> Image:
    return _bytes(image * rng.uniform(1.2, 1.5) + 20)


def low_contrast(image: Image, rng: np.random.Generator) -> Image:
    return _bytes(110 + (image.astype(np.float32) - 110) * rng.uniform(0.25, 0.5))


def uneven_light(image: Image, rng: np.random.Generator) -> Image:
    ramp = np.linspace(rng.uniform(0.35, 0.6), 1.15, image.shape[1])[None, :, None]
    return _bytes(image * ramp)


def glare(image: Image, rng: np.random.Generator) -> Image:
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width]
    spot = np.exp(-((x - rng.uniform(0, width)) ** 2 + (y - rng.uniform(0, height)) ** 2) / (2 * 40.0**2))
    return _bytes(image + 200 * spot[..., None])


def jpeg(image: Image, rng: np.random.Generator) -> Image:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 45))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def rotated(image: Image, rng: np.random.Generator) -> Image:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-25, 25), 1)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def perspective(image: Image, rng: np.random.Generator) -> Image:
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(-0.08, 0.08, (4, 2)).astype(np.float32) * (width, height)
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return cv2.warpPerspective(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def small(image: Image, rng: np.random.Generator) -> Image:
    height, width = image.shape[:2]
    factor = rng.uniform(0.6, 0.8)
    inner = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    canvas = np.full_like(image, 150)
    top, left = (height - inner.shape[0]) // 2, (width - inner.shape[1]) // 2
    canvas[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return canvas


def dirty(image: Image, rng: np.random.Generator) -> Image:
    out = image.copy()
    for _ in range(40):
        at = int(rng.integers(0, image.shape[1])), int(rng.integers(0, image.shape[0]))
        cv2.circle(out, at, int(rng.integers(1, 4)), (60, 70, 80), -1)
    return out


def curved(image: Image, rng: np.random.Generator) -> Image:
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    bend = rng.uniform(3, 7) * np.sin(np.pi * x / width * rng.uniform(1, 3))
    return cv2.remap(image, x, (y + bend).astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def inverted(image: Image, rng: np.random.Generator) -> Image:
    return _bytes(255 - image.astype(np.int16))


def flickering(image: Image, rng: np.random.Generator) -> Image:
    """Bands of a lamp that the camera's shutter catches half on."""
    rows = np.arange(image.shape[0])[:, None, None]
    return _bytes(image * (0.85 + 0.15 * np.sin(rows / rng.uniform(12, 30) + rng.uniform(0, 6))))


def covered(image: Image, rng: np.random.Generator) -> Image:
    """A thumb tip on the card's edge; error correction fills what it hides of the code."""
    out = image.copy()
    height, width = image.shape[:2]
    at = int(rng.uniform(0, width)), int(rng.uniform(0.9, 1.0) * height)
    cv2.circle(out, at, int(rng.integers(8, 18)), (120, 150, 200), -1)
    return out


DAMAGES: dict[str, Damage] = {
    damage.__name__: damage
    for damage in (
        *(blur, motion, noise, low_light, over_exposed, low_contrast, uneven_light, glare),
        *(jpeg, rotated, perspective, small, dirty, curved, inverted, flickering, covered),
    )
}
