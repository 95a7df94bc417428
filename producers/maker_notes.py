"""What trail cameras add in their maker notes, where it is plain: trigger, sequence, temperature, serial number.

Only layouts that real pictures confirmed are read (Reconyx HyperFire and HyperFire 2); other notes are left alone.
"""

import struct

_HYPERFIRE = b"\x01\xf1"
_HYPERFIRE_2 = b"RECONYXH2\x00"
_TRIGGERS = {"M": "motion", "T": "time lapse", "E": "external", "C": "test"}


def trail_camera_fields(note: bytes) -> dict[str, str]:
    """Names and values, all text; empty if the note is of no known camera.

    DateTimeOriginal, TriggerMode, Sequence ("2 of 3"), EventNumber, AmbientTemperature_C, BatteryVoltage_V,
    SerialNumber, UserLabel.
    """
    if note.startswith(_HYPERFIRE):
        return _block(note, trigger_at=12, serial_at=42, battery_at=84, label_at=86)
    if note.startswith(_HYPERFIRE_2):
        return _block(note, trigger_at=52, serial_at=126, battery_at=98, label_at=104)
    return {}


def _block(note: bytes, *, trigger_at: int, serial_at: int, battery_at: int, label_at: int) -> dict[str, str]:
    if len(note) < max(serial_at + 30, label_at + 22):
        return {}
    trigger, number, of, event_high, event_low = struct.unpack_from("<5H", note, trigger_at)
    celsius, battery_mv = *struct.unpack_from("<h", note, trigger_at + 28), *struct.unpack_from("<H", note, battery_at)
    second, minute, hour, month, day, year = struct.unpack_from("<6H", note, trigger_at + 10)
    found = {
        "DateTimeOriginal": f"{year:04}:{month:02}:{day:02} {hour:02}:{minute:02}:{second:02}",
        "TriggerMode": _TRIGGERS.get(chr(trigger & 0xFF), ""),
        "Sequence": f"{number} of {of}" if 0 < number <= of <= 99 else "",
        "EventNumber": str(event_high << 16 | event_low),
        "AmbientTemperature_C": str(celsius) if -60 <= celsius <= 80 else "",
        "BatteryVoltage_V": f"{battery_mv / 1000:.2f}" if 1_000 <= battery_mv <= 20_000 else "",
        "SerialNumber": note[serial_at : serial_at + 30].decode("utf-16-le", "replace").split("\x00")[0],
        "UserLabel": note[label_at : label_at + 22].split(b"\x00")[0].decode("ascii", "replace"),
    }
    return {name: value for name, value in found.items() if value and value.isprintable()}
