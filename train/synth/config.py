"""What the synthesiser may draw: one dataclass of ranges and chances."""

from dataclasses import dataclass, field

Range = tuple[float, float]

KINDS = ("scan", "bend", "cone", "fold", "curl", "book", "crumple", "mixed")
"""Kinds of page: a flat scan, a cylinder, a cone, folds, curled corners or edges, a book page, a crumpled sheet, and
several of these at once."""


@dataclass(frozen=True)
class SynthConfig:
    """Ranges that a photo's parameters are drawn from; lengths are in the page's long side, angles in degrees.

    Attributes:
        size_wh: the photo's width and height in pixels.
        mesh_factor: mesh cells to each cell of the 45x31 grid, 1 or more; 2 gives UVDoc's 89x61 nodes.
        kinds: how often each of `KINDS` is drawn (weights, any positive scale).
        extra_folds: chance that a sheet of another kind has a light fold as well.
        flattened: chance that folds were laid flat again, so that only their creases stand up.
        crumple: how crumpled crumpled sheets are; at 1 their facets rise by 1.3 % of the page's long side (standard
            deviation), at 2 they are those of a sheet that was in a fist.
        severity: scale of every bend and fold; 0 leaves paper flat, 1 is what photos show.
        relax_steps: iterations that pull a composed surface back to the page's lengths.
        tilt_deg: how far the camera leans from the table's normal.
        focal_mm: focal length, as on a 36x24 mm frame.
        coverage: projected page area over the photo's area, for pages of about the frame's shape (others cover less in
            proportion); above about 0.8 the page leaves the frame.
        turns: weights of the four upright turns of the page (0, 90, 180, 270 clockwise).
        turn_jitter_deg: standard deviation of the in-plane turn about an upright one.
        any_turn: chance that the in-plane turn is uniform over the circle instead.
        held: chance that the page is held in the air, far from a blurred background.
        fingers: chance that a held page shows thumbs at its border (a lying page: 0.15 of it).
        clutter: chance that other things lie on the table.
        lamp_elevation_deg: the key lamp's angle above the table.
        lamp_distance: the key lamp's distance from the page.
        lamp_radius: the key lamp's radius at a distance of 3; a larger lamp has softer shadows.
        key_lights: point lights that make up the key lamp; more make smoother shadows.
        ambient: light from everywhere over the key lamp's light.
        gloss: chance that the paper is glossy.
        photographer_shadow: chance of a soft shadow of the photographer or the phone.
        warmth: log2 range of the light's red over blue.
        blur_px: standard deviation of the lens blur, in pixels of a photo 712 high.
        motion: chance of a short motion blur.
        noise: standard deviation of the sensor's noise at mid grey, in parts of full scale.
        jpeg_quality: quality of the JPEG that the photo went through.
        lit: False leaves lamps, shadows, gloss, lens, noise and JPEG out: the page's own colours, for tests of the
            geometry.
    """

    size_wh: tuple[int, int] = (488, 712)
    mesh_factor: int = 2
    kinds: dict[str, float] = field(
        default_factory=lambda: {
            "scan": 0.08,
            "bend": 0.17,
            "cone": 0.12,
            "fold": 0.2,
            "curl": 0.12,
            "book": 0.1,
            "crumple": 0.09,
            "mixed": 0.12,
        }
    )
    extra_folds: float = 0.25
    flattened: float = 0.0
    crumple: Range = (0.4, 1.0)
    severity: float = 1.0
    relax_steps: int = 20
    tilt_deg: Range = (0.0, 38.0)
    focal_mm: Range = (24.0, 70.0)
    coverage: Range = (0.33, 1.15)
    turns: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    turn_jitter_deg: float = 6.0
    any_turn: float = 0.15
    held: float = 0.18
    fingers: float = 0.7
    clutter: float = 0.35
    lamp_elevation_deg: Range = (22.0, 80.0)
    lamp_distance: Range = (2.0, 8.0)
    lamp_radius: Range = (0.05, 0.9)
    key_lights: int = 10
    ambient: Range = (0.2, 1.3)
    gloss: float = 0.2
    photographer_shadow: float = 0.3
    warmth: Range = (-0.5, 0.45)
    blur_px: Range = (0.35, 1.3)
    motion: float = 0.08
    noise: Range = (0.002, 0.02)
    jpeg_quality: tuple[int, int] = (55, 95)
    lit: bool = True

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: if a range is upside down, a chance is outside [0, 1] or a kind is not one of `KINDS`.
        """
        unknown = sorted(set(self.kinds) - set(KINDS))
        if unknown:
            raise ValueError(f"kinds: {unknown} unknown; known are {list(KINDS)}")
        if not self.kinds or min(self.kinds.values()) < 0 or sum(self.kinds.values()) <= 0:
            raise ValueError(f"kinds: weights must be positive, got {self.kinds}")
        if min(self.size_wh) < 32 or self.mesh_factor < 1:
            raise ValueError(f"size_wh {self.size_wh} must be at least 32, mesh_factor {self.mesh_factor} at least 1")
        for name in _RANGES:
            low, high = getattr(self, name)
            if not low <= high:
                raise ValueError(f"{name}: the range ({low}, {high}) is upside down")
        for name in _CHANCES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: a chance lies in [0, 1], got {getattr(self, name)}")


_RANGES = (
    "crumple",
    "tilt_deg",
    "focal_mm",
    "coverage",
    "lamp_elevation_deg",
    "lamp_distance",
    "lamp_radius",
    "ambient",
    "warmth",
    "blur_px",
    "noise",
    "jpeg_quality",
)
_CHANCES = (
    "extra_folds",
    "flattened",
    "any_turn",
    "held",
    "fingers",
    "clutter",
    "gloss",
    "photographer_shadow",
    "motion",
)
