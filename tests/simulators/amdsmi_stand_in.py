"""Stands in for the package ``amdsmi`` 7.0.2 where it is not installed: the calls that are used, over the same library.

Names, keys, "N/A" and exceptions as in amdsmi_interface.py; ``amdsmi.py`` copies it to where it is imported from. Where
libamd_smi.so is missing, importing it prints and raises ``KeyError``, as the vendor's does.
"""

import ctypes
import os
from enum import IntEnum

_libraries = {}
try:
    _libraries["libamd_smi.so"] = ctypes.CDLL(
        os.path.join(os.environ.get("ROCM_HOME", "/opt/rocm"), "lib/libamd_smi.so")
    )
except OSError as error:
    print(error)
    print("Unable to find libamd_smi.so library try installing amd-smi-lib from your package manager")
_library = _libraries["libamd_smi.so"]

Handle = ctypes.c_void_p
TEXT = 256


class AmdSmiInitFlags(IntEnum):
    INIT_AMD_GPUS = 2


class AmdSmiException(Exception):
    pass


class AmdSmiLibraryException(AmdSmiException):
    def __init__(self, code):
        super().__init__(code)
        self.err_code = code

    def __str__(self):
        return f"Error code:\n\t{self.err_code} | AMDSMI_STATUS"


class _Power(ctypes.Structure):
    _fields_ = (
        ("socket_power", ctypes.c_uint64),
        ("current_socket_power", ctypes.c_uint32),
        ("average_socket_power", ctypes.c_uint32),
        ("rest", ctypes.c_uint64 * 22),
    )


class _Cap(ctypes.Structure):
    _fields_ = (("power_cap", ctypes.c_uint64), ("rest", ctypes.c_uint64 * 7))


class _Enumeration(ctypes.Structure):
    _fields_ = (("rest", ctypes.c_uint32 * 3), ("hip_id", ctypes.c_uint32), ("hip_uuid", ctypes.c_char * TEXT))


class _Asic(ctypes.Structure):
    _fields_ = (("market_name", ctypes.c_char * TEXT), ("rest", ctypes.c_ubyte * 1024))


def _call(name, *arguments):
    code = getattr(_library, name)(*arguments)
    if code:
        raise AmdSmiLibraryException(code)


def amdsmi_init(flag=AmdSmiInitFlags.INIT_AMD_GPUS):
    _call("amdsmi_init", ctypes.c_uint64(flag))


def amdsmi_shut_down():
    _call("amdsmi_shut_down")


def amdsmi_get_processor_handles():
    count = ctypes.c_uint32()
    _call("amdsmi_get_socket_handles", ctypes.byref(count), None)
    handles = (Handle * count.value)()
    _call("amdsmi_get_socket_handles", ctypes.byref(count), handles)
    return [Handle(handle) for handle in handles]


def amdsmi_get_energy_count(handle):
    accumulator, resolution, timestamp = ctypes.c_uint64(), ctypes.c_float(), ctypes.c_uint64()
    places = map(ctypes.byref, (accumulator, resolution, timestamp))
    _call("amdsmi_get_energy_count", handle, *places)
    return {
        "energy_accumulator": accumulator.value,
        "counter_resolution": resolution.value,
        "timestamp": timestamp.value,
    }


def amdsmi_get_power_info(handle):
    power = _Power()
    _call("amdsmi_get_power_info", handle, ctypes.byref(power))
    names = ("socket_power", "current_socket_power", "average_socket_power")
    return {name: "N/A" if getattr(power, name) == 0xFFFF else getattr(power, name) for name in names}


def amdsmi_get_power_cap_info(handle):
    cap = _Cap()
    _call("amdsmi_get_power_cap_info", handle, ctypes.c_uint32(0), ctypes.byref(cap))
    return {"power_cap": cap.power_cap}


def amdsmi_get_gpu_enumeration_info(handle):
    info = _Enumeration()
    _call("amdsmi_get_gpu_enumeration_info", handle, ctypes.byref(info))
    return {"hip_id": "N/A" if info.hip_id == 2**32 - 1 else info.hip_id, "hip_uuid": info.hip_uuid.decode()}


def amdsmi_get_gpu_asic_info(handle):
    info = _Asic()
    _call("amdsmi_get_gpu_asic_info", handle, ctypes.byref(info))
    return {"market_name": info.market_name.decode()}


def amdsmi_get_gpu_compute_partition(handle):
    text = ctypes.create_string_buffer(TEXT)
    _call("amdsmi_get_gpu_compute_partition", handle, text, ctypes.c_uint32(TEXT))
    return text.value.decode()
