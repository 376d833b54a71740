"""Settings of what the gate sees and shows with: camera, photo, vision, buzzer and light."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from attendance.config.values import ColourPart, GpioPin, Milliseconds, Number, Section, Switch, Whole, setting

CameraSource = Annotated[
    str,
    Field(
        pattern=r"^(auto|picamera|demo|(v4l2|video|images):.+|rtsps?://.+)$",
        json_schema_extra={"allowed": "auto, picamera, v4l2:0, rtsp://…, video:FILE, images:DIR or demo"},
    ),
]
Pattern = Annotated[tuple[Milliseconds, ...], Field(max_length=41)]
Colour = tuple[ColourPart, ColourPart, ColourPart]
PATTERN = "On, off, on, …, in milliseconds: "
TRIED = "Tried on pictures at a gate's distance."
STANDARD = "Centre of the standard's curve."
EARLIER = "The earlier system's limit, in these units."
ONE_FACE = "Somebody in the background does not count."
COLOUR = "Red, green, blue, each 0 to 255: "


class Resolution(Section):
    """Size of a camera frame."""

    width: Whole = setting(640, "Pixels.", "Enough for a card at arm's length, and cheap to read.", ge=160, le=4096)
    height: Whole = setting(480, "Pixels.", "As the width.", ge=120, le=3072)


class Exposure(Section):
    """Exposure of a Raspberry Pi camera."""

    mode: Literal["auto", "manual"] = setting("auto", "Who sets the exposure.", "Daylight at a gate changes.")
    manual_exposure_us: Whole = setting(
        10_000, "Shutter time when manual, microseconds.", "A walking student is not blurred.", ge=100, le=1_000_000
    )
    manual_analogue_gain: Number = setting(1.0, "Gain when manual.", "No added noise.", ge=1.0, le=64.0)


class WhiteBalance(Section):
    """White balance of a Raspberry Pi camera."""

    mode: Literal["auto", "incandescent", "tungsten", "fluorescent", "indoor", "daylight", "cloudy"] = setting(
        "auto", "The camera's white balance.", "Daylight at a gate changes."
    )


class PiCamera(Section):
    """What is passed on to ``rpicam-vid``."""

    exposure: Exposure = setting(Exposure, "Exposure.", "See its keys.")
    awb: WhiteBalance = setting(WhiteBalance, "White balance.", "See its keys.")


class Camera(Section):
    """Where frames come from."""

    source: CameraSource = setting("auto", "Where frames come from, as `--source`.", "Finds the camera by itself.")
    index: Whole = setting(0, "The V4L2 camera that `auto` tries first.", "The only one, usually.", ge=0, le=99)
    resolution: Resolution = setting(Resolution, "Frame size asked of the camera.", "See its keys.")
    fps: Number = setting(30, "Frames per second.", "What common cameras give.", ge=1, le=120)
    force_opencv: Switch = setting(False, "Whether `auto` skips the Raspberry Pi camera.", "It is the better one.")
    picamera: PiCamera = setting(PiCamera, "What only a Raspberry Pi camera has.", "See its keys.")


class Photo(Section):
    """The picture kept of each scan."""

    save_full_frame: Switch = setting(True, "Keep the whole frame rather than the face.", "It shows who stood by.")
    crop_padding: Whole = setting(40, "Pixels around the face when cropped.", "Documented default.", ge=0, le=1000)
    extra_top: Whole = setting(30, "Further pixels above it, for the hair.", "Documented default.", ge=0, le=1000)
    jpeg_quality: Whole = setting(95, "JPEG quality, percent.", "Faces stay recognisable.", ge=30, le=100)


class Buzzer(Section):
    """A buzzer on a pin of the board."""

    enabled: Switch = setting(False, "Whether there is one.", "Most gates have none.")
    gpio_pin: GpioPin = setting(23, "BCM number of its pin.", "Documented default.")
    qr_detected_pattern: Pattern = setting((100, 50, 100), PATTERN + "card read.", "Documented default.")
    face_detected_pattern: Pattern = setting((50,), PATTERN + "face seen.", "Documented default.")
    success_pattern: Pattern = setting((200, 100, 200, 100, 200), PATTERN + "recorded.", "Documented default.")
    error_pattern: Pattern = setting((1000,), PATTERN + "refused.", "Documented default.")
    duplicate_pattern: Pattern = setting((100,) * 5, PATTERN + "already recorded.", "Documented default.")


class LedPins(Section):
    """The three pins of the light."""

    red: GpioPin = setting(26, "BCM number of the red pin.", "Documented default.")
    green: GpioPin = setting(6, "BCM number of the green pin.", "Documented default.")
    blue: GpioPin = setting(24, "BCM number of the blue pin.", "Documented default.")

    @model_validator(mode="after")
    def _three_pins(self) -> "LedPins":
        if len({self.red, self.green, self.blue}) < 3:
            raise ValueError("red, green and blue need three different pins")
        return self


class LedColours(Section):
    """What the light says."""

    qr_detected: Colour = setting((0, 0, 255), COLOUR + "card read.", "Documented default.")
    face_detected: Colour = setting((255, 80, 0), COLOUR + "face seen.", "Documented default.")
    success: Colour = setting((0, 255, 0), COLOUR + "recorded.", "Documented default.")
    error: Colour = setting((255, 0, 0), COLOUR + "refused.", "Documented default.")
    duplicate: Colour = setting((255, 150, 0), COLOUR + "already recorded.", "Documented default.")
    late: Colour = setting((255, 80, 0), COLOUR + "recorded as late.", "Documented default.")
    processing: Colour = setting((128, 0, 128), COLOUR + "working.", "Documented default.")


class RgbLed(Section):
    """A red-green-blue light on pins of the board."""

    enabled: Switch = setting(False, "Whether there is one.", "Most gates have none.")
    gpio_pins: LedPins = setting(LedPins, "Its pins.", "See its keys.")
    colors: LedColours = setting(LedColours, "Its colours.", "See its keys.")
    brightness: Whole = setting(30, "Brightness, percent.", "Full brightness dazzles.", ge=1, le=100)
    fade_duration_ms: Whole = setting(500, "Milliseconds to fade in and out.", "Documented default.", ge=0, le=10_000)
    hold_duration_ms: Whole = setting(2000, "Milliseconds at full colour.", "Documented default.", ge=0, le=60_000)


class Thresholds(Section):
    """What each of the nine checks asks of a face. The measures are those of ISO/IEC 29794-5."""

    face_count: Number = setting(
        0.5, "1 - area of the second largest face / area of the largest.", ONE_FACE, ge=0, le=1
    )
    face_size: Number = setting(25.0, "Distance between the eyes, pixels.", TRIED, ge=5, le=500)
    centred: Number = setting(0.6, "Distance to the frame's edge, as a share of the ideal.", TRIED, ge=0, le=1)
    head_pose: Number = setting(0.67, "Smallest squared cosine of yaw, pitch and roll.", "35 degrees.", ge=0, le=1)
    eyes_open: Number = setting(0.02, "Lid distance / distance from eyes to chin, at least.", STANDARD, ge=0, le=1)
    mouth_closed: Number = setting(0.2, "Lip distance / distance from eyes to chin, at most.", STANDARD, ge=0, le=1)
    sharpness: Number = setting(40.0, "Variance of the Laplacian, at a face 128 pixels wide.", EARLIER, ge=0, le=10_000)
    brightness_low: Number = setting(0.16, "Mean luminance, at least.", EARLIER, ge=0, le=1)
    brightness_high: Number = setting(0.86, "Mean luminance, at most.", EARLIER, ge=0, le=1)
    even_light: Number = setting(0.7, "Likeness of the two cheeks' histograms.", TRIED, ge=0, le=1)

    @model_validator(mode="after")
    def _low_below_high(self) -> "Thresholds":
        if self.brightness_low >= self.brightness_high:
            raise ValueError("brightness_low below brightness_high")
        return self


class Vision(Section):
    """Which face is good enough for a photo, and how long one is sought."""

    lookback_seconds: Number = setting(
        2.0, "Seconds before the card was read from which a face may come.", "Students look up first.", ge=1.5, le=2.0
    )
    lookahead_seconds: Number = setting(
        0.5, "Seconds after it in which a better one may come.", "Nobody is made to wait.", ge=0, le=0.5
    )
    card_gone_seconds: Number = setting(
        2.0,
        "Seconds unread after which a card in view counts as new.",
        "Blur hides a held card briefly.",
        ge=0.2,
        le=60,
    )
    thresholds: Thresholds = setting(Thresholds, "What each check asks of a face.", "See its keys.")
