// SPDX-License-Identifier: BSL-1.0
#pragma once

// What RILL_BODY names when the bodies are compiled elsewhere.
