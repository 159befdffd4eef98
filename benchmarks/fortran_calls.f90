! SPDX-FileCopyrightText: 2026 nopal developers
! SPDX-License-Identifier: BSD-3-Clause

! What c_overhead times through the Fortran module.
module fortran_calls
  use, intrinsic :: iso_c_binding, only: c_char, c_float, c_int
  use nopal
  implicit none
  private
  public :: fortran_load, fortran_infer, fortran_destroy
  type(nopal_model), save :: model

contains

  integer(c_int) function fortran_load(comm, path, length, n) bind(c)
    integer(c_int), value :: comm, length, n
    character(kind=c_char), intent(in) :: path(length)
    character(len=length) :: text
    integer :: i
    do i = 1, length
      text(i:i) = path(i)
    end do
    fortran_load = nopal_load(comm, text, nopal_float, model)
    if (fortran_load == nopal_success) fortran_load = nopal_set_box(model, [int(n)], [1], [int(n)])
  end function fortran_load

  integer(c_int) function fortran_infer(x, y, n, calls) bind(c)
    integer(c_int), value :: n, calls
    real(c_float), intent(in) :: x(n)
    real(c_float), intent(inout) :: y(n)
    integer :: i
    fortran_infer = nopal_success
    do i = 1, calls
      fortran_infer = max(fortran_infer, int(nopal_infer(model, x, y), c_int))
    end do
  end function fortran_infer

  integer(c_int) function fortran_destroy() bind(c)
    fortran_destroy = nopal_destroy(model)
  end function fortran_destroy

end module fortran_calls
