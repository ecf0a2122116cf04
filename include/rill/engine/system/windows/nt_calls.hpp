// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/engine/system/windows/winsock.hpp>

#include <cstdint>

namespace rill::engine::system {

/// What the kernel answers, 0 or above if all is well. Source: [MS-ERREF] 2.3
using nt_status = long;

inline constexpr nt_status status_success = 0;
inline constexpr nt_status status_pending = 0x103;
inline constexpr nt_status status_cancelled = static_cast<nt_status>(0xC0000120);

/// The calls of ntdll.dll that the library makes. They are looked up, as the import libraries that every program is
/// linked with do not have them.
struct nt_calls {
    using device_io_control_call = nt_status(__stdcall*)(::HANDLE file, ::HANDLE event, void* routine, void* context,
                                                         void* io_status_block, ::ULONG code, void* in, ::ULONG in_size,
                                                         void* out, ::ULONG out_size);
    using set_information_file_call = nt_status(__stdcall*)(::HANDLE file, void* io_status_block, void* information,
                                                            ::ULONG size, int information_class);
    using status_to_error_call = ::ULONG(__stdcall*)(nt_status status);

    /// NtDeviceIoControlFile()
    const device_io_control_call device_io_control;
    /// NtSetInformationFile()
    const set_information_file_call set_information_file;
    /// RtlNtStatusToDosError()
    const status_to_error_call status_to_error;

    static const nt_calls& get() noexcept {
        static const nt_calls only(::GetModuleHandleA("ntdll.dll"));
        return only;
    }

private:
    explicit nt_calls(::HMODULE library) noexcept
        : device_io_control(find<device_io_control_call>(library, "NtDeviceIoControlFile")),
          set_information_file(find<set_information_file_call>(library, "NtSetInformationFile")),
          status_to_error(find<status_to_error_call>(library, "RtlNtStatusToDosError")) {}

    template <class Call>
    static Call find(::HMODULE library, const char* name) noexcept {
        return reinterpret_cast<Call>(reinterpret_cast<std::uintptr_t>(::GetProcAddress(library, name)));
    }
};

}  // namespace rill::engine::system
