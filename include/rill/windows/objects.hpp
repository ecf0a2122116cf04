// SPDX-License-Identifier: BSL-1.0
#pragma once

// What only this platform has, for <rill/rill.hpp>.

#include <rill/windows/object_handle.hpp>
#include <rill/windows/overlapped_handle.hpp>
#include <rill/windows/overlapped_ptr.hpp>
#include <rill/windows/random_access_handle.hpp>
#include <rill/windows/stream_handle.hpp>
