use crate::Bytes;

/// n copies of a value in memory that lives until the call ends. Traps when there
/// is no more memory.
pub fn list<T: Copy>(n: usize, value: T) -> &'static mut [T] {
    #[cfg(target_arch = "wasm32")]
    {
        let p = wasm::take(n * core::mem::size_of::<T>()) as *mut T;
        // The block is aligned to 16 bytes, fresh and large enough.
        unsafe {
            for i in 0..n {
                p.add(i).write(value);
            }
            core::slice::from_raw_parts_mut(p, n)
        }
    }
    #[cfg(not(target_arch = "wasm32"))]
    {
        std::vec![value; n].leak()
    }
}

/// The text of bytes, if they are UTF-8.
pub fn text_of(b: Bytes) -> Option<&'static str> {
    core::str::from_utf8(b).ok()
}

/// A line for the author's eyes. The host keeps the first few kilobytes of a call.
pub fn log(line: &str) {
    #[cfg(target_arch = "wasm32")]
    wasm::log(line);
    #[cfg(not(target_arch = "wasm32"))]
    std::eprintln!("{}", line);
}

#[cfg(target_arch = "wasm32")]
pub(crate) mod wasm {
    use core::arch::wasm32;

    extern "C" {
        static __heap_base: u8;
    }

    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    extern "C" {
        fn fd_write(fd: u32, list: *const [u32; 2], count: u32, written: *mut u32) -> u32;
    }

    // An instance runs one thread and one call at a time.
    static mut NEXT: usize = 0;
    static mut GIVEN: (usize, usize) = (0, 0);

    pub fn take(n: usize) -> usize {
        unsafe {
            if NEXT == 0 {
                NEXT = (core::ptr::addr_of!(__heap_base) as usize + 15) & !15;
            }
            if n > 1 << 30 {
                wasm32::unreachable();
            }
            let at = NEXT;
            let end = at + ((n + 15) & !15);
            let have = wasm32::memory_size(0) << 16;
            if end > have && wasm32::memory_grow(0, (end - have + 65535) >> 16) == usize::MAX {
                wasm32::unreachable();
            }
            NEXT = end;
            at
        }
    }

    #[no_mangle]
    pub extern "C" fn plexus_alloc(n: u32) -> u32 {
        let at = take((n as usize).max(1));
        unsafe { GIVEN = (at, n as usize) };
        at as u32
    }

    /// The input of a call, if it lies where plexus_alloc put it.
    pub fn input(p: u32, n: u32) -> Option<&'static [u8]> {
        unsafe {
            let (at, size) = GIVEN;
            if at == 0 || p as usize != at || n as usize > size {
                return None;
            }
            Some(core::slice::from_raw_parts(at as *const u8, n as usize))
        }
    }

    pub fn log(line: &str) {
        let list = [[line.as_ptr() as u32, line.len() as u32], ["\n".as_ptr() as u32, 1]];
        let mut written = 0;
        unsafe { fd_write(2, list.as_ptr(), 2, &mut written) };
    }

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo) -> ! {
        wasm32::unreachable()
    }
}
